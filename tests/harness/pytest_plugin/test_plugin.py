"""The plugin, in a pytest within this one."""

import shutil
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.pytest_plugin import trials

pytest_plugins = ["pytester"]

HISTORIES = Path(__file__).parents[3] / "histories"

PLAN = """\
[workload]
rate = 40.0
time_limit_s = 2.0
[faults]
packages = ["kill"]
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.mkdir("plans")
    Path("plans/kills.toml").write_text(PLAN)
    return pytester


def test_a_marked_test_runs_once_for_each_seed(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.quorate(plan="plans/kills.toml", seeds=2)
        def test_kills(quorate):
            assert quorate.run.ok_count > 10
            assert quorate.run.plan.workload.rate == 40.0

        @pytest.mark.quorate(plan="plans/kills.toml", seeds=[7], settings={"nodes": 1})
        def test_alone():
            pass
        """
    )

    result = project.runpytest_inprocess("-v")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        ["*test_kills?seed1?*", "*test_kills?seed2?*", "*test_alone?seed7?*"]
    )
    assert list(Path("runs").iterdir()) == []


def test_a_failure_shows_the_story_and_how_to_repeat_it(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.quorate(
            plan="plans/kills.toml", seeds=[1], settings={"mutant": "half-is-a-majority"})
        def test_mutant():
            raise AssertionError("the body must not run")
        """
    )

    result = project.runpytest_inprocess("--quorate-runs", "kept")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "quorate: INVALID",
            "raft: Majority of votes (Raft §5.2)*",
            "repeat:    quorate replay *kept*",
            "shrink:    quorate shrink *kept*",
        ]
    )
    result.stdout.no_fnmatch_line("*the body must not run*")
    (run,) = Path("kept").iterdir()
    assert (run / "report.html").exists()


def test_unknown_does_not_pass(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_unknown(quorate):
            quorate.check_plan("plans/kills.toml", seed=1,
                               settings={"checks.steps_max": 1})
        """
    )

    result = project.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["quorate: UNKNOWN"])


def test_recorded_histories_are_judged(project: pytest.Pytester) -> None:
    shutil.copy(HISTORIES / "bad" / "kv-one-client-stale-get.jsonl", "bad.jsonl")
    shutil.copy(HISTORIES / "good" / "kv-one-client.jsonl", "good.jsonl")
    project.makepyfile(
        """
        def test_good(quorate):
            assert quorate.check_history("good.jsonl", model="kv").answer.name == "VALID"

        def test_bad(quorate):
            quorate.check_history("bad.jsonl")
        """
    )

    result = project.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["quorate: INVALID", "judge it again: quorate check *bad.jsonl*"])


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("plan='plans/kills.toml', seeds=0", "would test nothing"),
        ("plan='plans/kills.toml', seeds='many'", "how many, or which"),
        ("'plans/kills.toml'", "by name"),
        ("plans='plans/kills.toml'", "has no 'plans'"),
    ],
)
def test_a_marker_that_asks_for_nothing_sensible_is_refused(
    project: pytest.Pytester, marker: str, message: str
) -> None:
    project.makepyfile(
        f"""
        import pytest

        @pytest.mark.quorate({marker})
        def test_it():
            pass
        """
    )

    result = project.runpytest_inprocess()

    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines([f"*{message}*"])


def test_what_cannot_be_tried_fails_by_one_line(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.quorate(plan="plans/killz.toml")
        def test_plan():
            pass

        @pytest.mark.quorate(settings={"workload.nam": "kv"})
        def test_setting():
            pass

        @pytest.mark.quorate(settings={"mutant": "vote-not-persistent"})
        def test_mutant():
            pass

        def test_history(quorate):
            quorate.check_history("gone.jsonl")
        """
    )

    result = project.runpytest_inprocess("-q")

    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(
        [
            "quorate: *killz.toml: cannot read the plan: No such file or directory",
            "quorate: unknown key 'nam' in [[]workload]; did you mean 'name'[?]",
            "quorate: there is no mutant 'vote-not-persistent'; did you mean 'vote-not-persisted'?",
            "quorate: *gone.jsonl: no such file",
        ]
    )
    result.stdout.no_fnmatch_line("*During handling*")
    result.stdout.no_fnmatch_line("*Error*")


def test_a_failure_of_the_harness_is_told_apart(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_given: object) -> None:
        raise HarnessError("no port is free")

    monkeypatch.setattr(trials, "_conduct", broken)
    project.makepyfile("def test_it(quorate):\n    quorate.check_plan()\n")

    result = project.runpytest_inprocess("-q")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["quorate: failure of the harness: no port is free"])


def test_run_without_a_marker_is_an_error(project: pytest.Pytester) -> None:
    project.makepyfile("def test_it(quorate):\n    quorate.run\n")

    project.runpytest_inprocess().assert_outcomes(failed=1)
