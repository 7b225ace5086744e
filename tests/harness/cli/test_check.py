"""`quorate check`: verdicts, exit codes, and one clear line for whatever cannot be read."""

import json
from pathlib import Path

import pytest

from checkers.history_file import write_history
from tests.harness.cli.conftest import SHORT, Quorate
from tests.harness.test_trial import FEW, MANY, hard_history

HISTORIES = Path(__file__).parents[3] / "histories"
GOOD = HISTORIES / "good"
BAD = HISTORIES / "bad"

TWO_LINES = (
    '{"quorate":"history","version":1}\n'
    '{"index":0,"time":0,"process":0,"type":"invoke","f":"read","key":"x"}\n'
)


def test_a_valid_history_exits_0(quorate: Quorate) -> None:
    done = quorate("check", "--model", "multi-register", "--initial", "x=0,y=0",
                   str(GOOD / "multi-register-txns.jsonl"))  # fmt: skip

    assert done.code == 0, done.out + done.err
    assert done.out.splitlines()[-1] == "verdict: VALID"


def test_an_invalid_history_exits_1_and_tells_a_story(quorate: Quorate) -> None:
    done = quorate("check", str(BAD / "stale-read-after-write.jsonl"))

    assert done.code == 1
    assert done.line("verdict") == "INVALID"
    assert "read" in done.out


def test_a_watch_beside_a_history_is_judged_with_it(quorate: Quorate) -> None:
    history, watch = BAD / "watch-event-missing.jsonl", BAD / "watch-event-missing.watch.jsonl"

    assert quorate("check", str(history)).line("verdict") == "VALID"
    done = quorate("check", "--watch", str(watch), str(history))
    assert done.code == 1
    assert "watch-reliable" in done.out


def test_a_watch_goes_with_one_history(quorate: Quorate) -> None:
    history, watch = BAD / "watch-event-missing.jsonl", BAD / "watch-event-missing.watch.jsonl"

    assert quorate("check", "--watch", str(watch), str(history), str(history)).code == 64
    assert quorate("check", "--watch", str(history), str(history)).code == 64


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("lease-died-early", "lease"),
        ("lock-held-by-two", "lock-exclusion"),
        ("lock-fence-passed", "lock-fencing"),
        ("election-former-leader", "election"),
        ("queue-element-lost", "total-queue"),
        ("id-given-twice", "unique-ids"),
        ("bank-money-missing", "bank"),
    ],
)
def test_a_promise_is_told_from_its_operations(name: str, model: str, quorate: Quorate) -> None:
    done = quorate("check", "--json", str(BAD / f"{name}.jsonl"))

    printed = json.loads(done.out)
    assert printed["verdict"] == "INVALID"
    assert printed["files"][0]["checks"]["checker"] == model


def test_leases_are_late_only_by_a_stated_bound(quorate: Quorate) -> None:
    rows = [
        (0, "invoke", "lease-grant", {"ttl": 1, "id": 7}),
        (1, "ok", "lease-grant", {"revision": 1, "id": 7, "ttl": 1}),
        (9, "invoke", "lease-time-to-live", {"id": 7}),
        (10, "ok", "lease-time-to-live", {"revision": 1, "id": 7, "ttl": 1, "granted_ttl": 1}),
    ]
    lines = ['{"quorate":"history","version":1}'] + [
        json.dumps(
            {
                "index": at,
                "time": second * 10**9,
                "process": 0,
                "type": kind,
                "f": f,
                "value": value,
            }
        )
        for at, (second, kind, f, value) in enumerate(rows)
    ]
    Path("lease.jsonl").write_text("\n".join(lines) + "\n")

    assert quorate("check", "lease.jsonl").code == 0
    assert quorate("check", "--outlive", "7", "lease.jsonl").code == 0
    done = quorate("check", "--outlive", "6", "lease.jsonl")
    assert done.code == 1
    assert "lease-not-late" in done.out


def test_what_watchers_were_told_speaks_of_leases_too(quorate: Quorate) -> None:
    watch = [
        '{"quorate":"watch","version":1,"about":{}}',
        '{"type":"create","time":0,"watcher":0,"stream":0,"key":"a","start_revision":2}',
        '{"type":"created","time":1,"watcher":0,"revision":1}',
        (
            '{"type":"events","time":3000000000,"watcher":0,"revision":3,"events":'
            '[{"kind":"put","key":"a","mod_revision":2,"value":"","create_revision":2,"version":1,'
            '"lease":7},{"kind":"delete","key":"a","mod_revision":3}]}'
        ),
    ]
    asked = [
        ("lease-grant", {"ttl": 60, "id": 7}, {"revision": 1, "id": 7, "ttl": 60}),
        ("put", {"key": "a", "value": "", "lease": 7}, {"revision": 2}),
    ]
    lines = ['{"quorate":"history","version":1}'] + [
        json.dumps({"index": 2 * at + done, "time": 2 * at + done, "process": 0,
                    "type": ("invoke", "ok")[done], "f": f, "value": (request, answer)[done]})
        for at, (f, request, answer) in enumerate(asked)
        for done in (0, 1)
    ]  # fmt: skip
    Path("lease.jsonl").write_text("\n".join(lines) + "\n")
    Path("watch.jsonl").write_text("\n".join(watch) + "\n")

    assert quorate("check", "lease.jsonl").code == 0
    assert "lease-not-early" in quorate("check", "--watch", "watch.jsonl", "lease.jsonl").out


def test_several_files_exit_with_the_worst_verdict(quorate: Quorate) -> None:
    good, bad = GOOD / "multi-register-txns.jsonl", BAD / "stale-read-after-write.jsonl"

    assert quorate("check", str(bad), str(good)).code == 1


def test_json_gives_verdict_checker_and_evidence(quorate: Quorate) -> None:
    done = quorate("check", "--json", str(BAD / "stale-read-after-write.jsonl"))

    printed = json.loads(done.out)
    assert printed["verdict"] == "INVALID"
    assert printed["files"][0]["verdict"] == "INVALID"
    assert '"evidence"' in done.out


def test_a_run_directory_is_judged_as_it_was(quorate: Quorate) -> None:
    run = quorate("run", *SHORT).line("run")

    assert quorate("check", run).line("verdict") == "VALID"


def test_what_only_the_run_could_see_stands(quorate: Quorate) -> None:
    run = Path(quorate("run", *SHORT, "--mutant", "half-is-a-majority").line("run"))

    convicted = quorate("check", str(run))
    (run / "results.json").unlink()
    recorded = quorate("check", str(run))

    assert convicted.code == 1
    assert "  raft                       INVALID  (seen during the run" in convicted.out
    assert "Majority of votes (Raft §5.2)" in convicted.out
    assert "seen during the run" not in recorded.out
    assert "came to no verdict of its own" in recorded.err
    assert convicted.err == ""


def test_the_traces_of_a_run_are_judged_by_rafts_properties(quorate: Quorate) -> None:
    run = Path(quorate("run", *SHORT).line("run"))
    assert "raft-election-safety" in quorate("check", str(run)).out

    lines = [line for path in run.glob("trace/*.jsonl") for line in path.read_text().splitlines()]
    leads = next(line for line in lines if '"role":"leader"' in line)
    leader = json.loads(leads)["node"]
    impostor = leads.replace(f'"node":"{leader}"', '"node":"n9"')
    (run / "trace" / "n9.jsonl").write_text(impostor + "\n")
    done = quorate("check", str(run))

    assert done.code == 1
    assert f"{leader} and n9 were both leaders of term" in done.out


def test_a_trace_that_cannot_be_read_is_one_clear_line(quorate: Quorate) -> None:
    run = Path(quorate("run", *SHORT).line("run"))
    (run / "trace" / "n9.jsonl").write_text("{}\n")

    done = quorate("check", str(run))

    assert done.code == 64
    assert "n9.jsonl:1: not a transition" in done.err


def test_a_run_out_of_steps_is_unknown_and_exits_2(quorate: Quorate) -> None:
    done = quorate("check", "--steps", "1", str(GOOD / "multi-register-txns.jsonl"),
                   "--initial", "x=0,y=0")  # fmt: skip

    assert done.code == 2
    assert done.line("verdict") == "UNKNOWN"


@pytest.mark.parametrize(
    ("setting", "options", "values", "says"),
    [
        ("checks.steps_max=100", (), MANY, "100 steps were not enough"),
        ("checks.steps_max=100", ("--steps", "1000000"), MANY, "cannot be explained"),
        ("checks.memory_mb_max=512", ("--memory", "1"), FEW, "1 MB were not enough"),
    ],
)
def test_a_run_is_judged_within_the_limits_of_its_plan_or_those_that_are_given(
    quorate: Quorate, setting: str, options: tuple[str, ...], values: int, says: str
) -> None:
    run = Path(quorate("run", *SHORT, "--set", setting).line("run"))
    write_history(run / "history.jsonl", hard_history(values))

    done = quorate("check", str(run), *options)

    assert says in done.out


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(TWO_LINES + '{"index":1,"time":5,"pro', ":3: ", id="truncated last line"),
        pytest.param(TWO_LINES + "garbage\n", ":3: ", id="garbage line"),
        pytest.param('{"quorate":"history","version":99}\n', ":1: ", id="another version"),
        pytest.param("", "is empty", id="empty file"),
        pytest.param("\x00\x01\x02", "no format known", id="no history at all"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(quorate: Quorate, content: str, says: str) -> None:
    Path("history.jsonl").write_text(content)

    done = quorate("check", "history.jsonl")

    assert done.code == 64
    assert done.err.startswith("quorate: history.jsonl")
    assert says in done.err
    assert len(done.err.splitlines()) == 1


def test_a_missing_file_is_named(quorate: Quorate) -> None:
    done = quorate("check", "nowhere.jsonl")

    assert done.code == 64
    assert "nowhere.jsonl: no such file" in done.err


def test_an_unknown_model_is_refused_with_the_nearest(quorate: Quorate) -> None:
    done = quorate("check", "--model", "cas-registr", str(BAD / "stale-read-after-write.jsonl"))

    assert done.code == 64
    assert "did you mean 'cas-register'" in done.err


def test_an_operation_that_the_model_does_not_know_is_refused(quorate: Quorate) -> None:
    done = quorate("check", "--model", "mutex", str(BAD / "stale-read-after-write.jsonl"))

    assert done.code == 64
    assert "mutex" in done.err
