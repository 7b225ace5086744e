"""The lattice of consistency models, and what anomalies rule out in it."""

import pytest

from checkers.models.model import ModelError
from checkers.transactions.checker import ALIASES, transactional
from checkers.transactions.consistency import IMPLIES, boundary, implied, model_names


@pytest.mark.parametrize(
    ("anomaly", "weakest_violated"),
    [
        ("G0", ("read-uncommitted",)),
        ("garbage-read", ("read-uncommitted",)),
        ("G1a", ("read-committed",)),
        ("G1b", ("read-committed",)),
        ("G1c", ("read-committed",)),
        ("dirty-update", ("read-committed",)),
        ("internal", ("read-atomic",)),
        ("lost-update", ("cursor-stability", "update-atomic")),
        ("G-single-item", ("consistent-view", "repeatable-read")),
        ("G-nonadjacent-item", ("repeatable-read", "snapshot-isolation")),
        ("G2-item", ("repeatable-read",)),
        ("G0-process", ("strong-session-read-uncommitted",)),
        ("G-single-item-process", ("strong-session-snapshot-isolation",)),
        ("G2-item-process", ("strong-session-serializable",)),
        ("G0-realtime", ("strong-read-uncommitted",)),
        ("G1c-realtime", ("strong-read-committed",)),
        ("G-single-item-realtime", ("strong-snapshot-isolation",)),
        ("G2-item-realtime", ("strict-serializable",)),
    ],
)
def test_an_anomaly_rules_out_a_model_and_all_that_are_stronger(
    anomaly: str, weakest_violated: tuple[str, ...]
) -> None:
    limits = boundary([anomaly])

    assert limits.weakest_violated == weakest_violated
    assert "strict-serializable" in limits.violated
    for model in model_names():
        weaker = IMPLIES.get(model, ())
        assert model in limits.violated or not any(name in limits.violated for name in weaker)


def test_the_strongest_models_left_are_above_all_that_are_left() -> None:
    limits = boundary(["G2-item"])

    assert limits.strongest_left == (
        "strong-snapshot-isolation",
        "update-serializable",
    )


def test_without_anomalies_everything_is_left() -> None:
    assert boundary([]).strongest_left == ("strict-serializable",)


def test_a_cycle_of_data_is_one_of_sessions_and_of_real_time_too() -> None:
    assert {"G1c", "G1", "G0-process", "G1c-realtime"} <= set(implied("G0"))
    assert "G0" not in implied("G0-process")


def test_other_names_of_models_are_known() -> None:
    assert all(name in model_names() for name in ALIASES.values())
    assert not set(ALIASES) & set(model_names())


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="no consistency model is called 'snapshot'"):
        transactional("list-append", "snapshot")
