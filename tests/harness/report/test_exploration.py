"""What an exploration prints of seeds that failed or came to nothing."""

from harness.explore.exploration import Found
from harness.explore.seeds import Outcome, Tried
from harness.report.exploration import as_json_value, found_lines


def found_of(*seeds: int) -> Found:
    found = Found()
    for seed in seeds:
        found.add(Tried(seed=seed, outcome=Outcome.UNKNOWN, reason=f"reason {seed}"))
    return found


def test_seeds_without_a_verdict_are_named_in_order_with_their_reasons() -> None:
    lines = list(found_lines(found_of(7, 3)))

    assert lines[-3:] == ["unknown", "  seed 3: reason 3", "  seed 7: reason 7"]


def test_of_many_seeds_without_a_verdict_the_first_are_named_and_the_others_counted() -> None:
    lines = list(found_lines(found_of(*range(1, 9))))

    assert lines[-2:] == ["  seed 5: reason 5", "  and 3 more in the journal"]


def test_programs_are_told_of_all_of_them() -> None:
    assert as_json_value(found_of(2, 1))["unknown"] == [
        {"seed": 1, "reason": "reason 1"},
        {"seed": 2, "reason": "reason 2"},
    ]


def test_nothing_is_said_of_none() -> None:
    found = Found()
    found.add(Tried(seed=1, outcome=Outcome.VALID))

    assert "unknown" not in list(found_lines(found))
