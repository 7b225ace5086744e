"""Plans as TOML."""

from pathlib import Path

import pytest

from harness.errors import PlanError
from harness.plan import Plan, WorkloadPlan
from harness.plan_file import (
    dump_plan,
    load_plan,
    parse_plan,
    parse_settings,
    settings_named_in,
    with_overrides,
)

PATH = Path("trial.toml")


def failure(text: str) -> str:
    """Return what is said about the plan `text` in `trial.toml`."""
    with pytest.raises(PlanError) as caught:
        parse_plan(text, path=PATH)
    return str(caught.value)


def test_an_empty_file_is_the_default_plan() -> None:
    assert parse_plan("") == Plan()


def test_settings_are_read_from_their_tables() -> None:
    plan = parse_plan(
        """
        seed = 7
        nodes = 5
        [workload]
        name = "kv"
        rate = 1000
        [faults]
        packages = ["kill"]
        [node]
        election_timeout_ms = [250, 300]
        """
    )

    assert (plan.seed, plan.nodes) == (7, 5)
    assert (plan.workload.name, plan.workload.rate) == ("kv", 1000.0)
    assert plan.faults.packages == ("kill",)
    assert plan.node.election_timeout_ms == (250.0, 300.0)


def test_a_dumped_plan_spells_out_defaults() -> None:
    text = dump_plan(Plan())

    assert "version = 1" in text
    assert "heartbeat_ms = 100.0" in text


def test_what_is_none_is_left_out() -> None:
    assert "mutant" not in dump_plan(Plan())
    assert 'mutant = "forgets-votes"' in dump_plan(Plan(mutant="forgets-votes"))


def test_a_misspelt_key_is_named_with_line_and_nearest() -> None:
    assert (
        failure("seed = 1\n\n[workload]\nname = 'kv'\nrat = 5\n")
        == "trial.toml:5: unknown key 'rat' in [workload]; did you mean 'rate'?"
    )


def test_a_misspelt_table_is_named_with_line_and_nearest() -> None:
    assert (
        failure("seed = 1\n[wrokload]\nrate = 5\n")
        == "trial.toml:2: unknown key 'wrokload'; did you mean 'workload'?"
    )


def test_a_key_like_no_other_is_told_what_there_is() -> None:
    assert "unknown key 'zzz' in [liveness]; there are: bound_s" in failure("[liveness]\nzzz = 1\n")


def test_a_misspelt_dotted_key_has_its_line() -> None:
    assert failure("seed = 1\nworkload.rat = 5\n").startswith("trial.toml:2: unknown key 'rat'")


def test_a_misspelt_key_of_an_inline_table_has_the_tables_line() -> None:
    text = "seed = 1\nworkload = { rat = 5 }\n"

    assert failure(text).startswith("trial.toml:2: unknown key 'rat' in [workload]")


def test_a_value_of_the_wrong_type_has_its_line() -> None:
    assert (
        failure("[workload]\nrate = 'fast'\n")
        == "trial.toml:2: workload.rate: expected float, got str"
    )


def test_an_item_of_the_wrong_type_has_the_line_of_its_list() -> None:
    assert (
        failure("[faults]\npackages = ['kill', 3]\n")
        == "trial.toml:2: faults.packages[1]: expected str, got int"
    )


def test_a_plan_of_another_version_says_so_before_its_keys_are_looked_at() -> None:
    assert failure("moons = 2\nversion = 2") == (
        "trial.toml:2: has version 2; expected version 1, the only one this quorate reads:"
        " use the quorate that wrote it"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nodes = 0", "trial.toml:1: nodes: expected int >= 1"),
        ("[workload]\nrove = 1.5", "trial.toml:2: workload.rove: expected float <= 1.0"),
        ("[workload]\nrate = nan", "trial.toml:2: workload.rate: expected float > 0.0"),
        ("[workload]\nrate = inf", "trial.toml:2: workload.rate: expected float <= 1000000000.0"),
        ("seed = -1", "trial.toml:1: seed: expected int >= 0"),
        ('version = "1"', "trial.toml:1: version: expected int, got str"),
        ("workload = 3", "trial.toml:1: workload: expected table, got int"),
    ],
)
def test_a_value_out_of_range_has_its_line(text: str, message: str) -> None:
    assert failure(text) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[network]\ndelay_ms_min = 3\ndelay_ms_max = 2",
            "trial.toml:3: network.delay_ms_max: 2 must be at least delay_ms_min, which is 3",
        ),
        (
            "[node]\nheartbeat_ms = 50\nelection_timeout_ms = [90, 200]",
            (
                "trial.toml:3: node.election_timeout_ms: the minimum, 90, must be at least two"
                " heartbeats (heartbeat_ms = 50; Raft §5.6)"
            ),
        ),
        (
            "[node]\nelection_timeout_ms = [300, 300]",
            (
                "trial.toml:2: node.election_timeout_ms: the maximum, 300, must be more than the"
                " minimum, 300"
            ),
        ),
        (
            '[daemon]\nversion = "3.5"\nversions = ["3.4", "3.5", "3.5"]',
            "trial.toml:3: daemon.versions: goes with neither version nor binary",
        ),
    ],
)
def test_settings_that_exclude_each_other_have_a_line(text: str, message: str) -> None:
    assert failure(text) == message


def test_a_default_that_excludes_a_setting_is_reported_at_the_table() -> None:
    message = failure("[disk]\nfsync_ms_min = 5\n")

    assert message.startswith("trial.toml:1: disk.fsync_ms_max: 1 must be at least fsync_ms_min")


def test_what_is_not_toml_has_its_line() -> None:
    assert failure("seed = 1\nnodes = = 3\n") == "trial.toml:2: not TOML: Invalid value"


def test_a_text_that_ends_too_early_has_its_last_line() -> None:
    assert failure('seed = 1\nsystem = "nodeimpl').startswith("trial.toml:2: not TOML: ")


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot read the plan: No such file or directory"):
        load_plan(tmp_path / "absent.toml")


def test_a_file_of_other_bytes_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(PlanError, match=r"plan\.toml: not a plan: "):
        load_plan(path)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("seed = 8841\n", encoding="utf-8")

    assert load_plan(path) == Plan(seed=8841)


def test_overrides_replace_settings_by_name() -> None:
    plan = with_overrides(Plan(), {"seed": 9, "workload.rate": 50, "faults.packages": ["kill"]})

    assert (plan.seed, plan.workload.rate, plan.faults.packages) == (9, 50.0, ("kill",))


def test_overrides_leave_the_rest_alone() -> None:
    plan = Plan(mutant="x", workload=WorkloadPlan(keys=9))

    assert with_overrides(plan, {"workload.name": "kv"}) == Plan(
        mutant="x", workload=WorkloadPlan(keys=9, name="kv")
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("workload.rate", -1, "workload.rate: expected float > 0.0"),
        ("workload.rat", 1, r"unknown key 'rat' in \[workload\]; did you mean 'rate'\?"),
        ("sed", 1, r"unknown key 'sed'; did you mean 'seed'\?"),
    ],
)
def test_overrides_are_checked(name: str, value: object, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        with_overrides(Plan(), {name: value})


def test_the_settings_that_a_plan_names_are_told_from_defaults() -> None:
    text = "nodes = 3\n[workload]\nrate = 200\n[node]\nelection_timeout_ms = [300, 600]\n"
    assert settings_named_in(text) == ("nodes", "workload.rate", "node.election_timeout_ms")
    assert settings_named_in("") == ()
    with pytest.raises(PlanError, match="not TOML"):
        settings_named_in("nodes =")


def test_settings_are_toml_or_texts_without_quotes() -> None:
    settings = ["workload.value_bytes=8192", "workload.name = lock", "faults.packages=['kill']"]
    assert parse_settings(settings) == {
        "workload.value_bytes": 8192,
        "workload.name": "lock",
        "faults.packages": ["kill"],
    }


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(PlanError, match="sets nothing"):
        parse_settings(["workload.value_bytes"])
