"""The logs that daemons left in their data directories."""

from pathlib import Path

from checkers.history import OpType
from checkers.raft.etcd_wal import Segment
from checkers.verdict import Answer, Verdict
from harness.systems.persisted import Persisted, read_logs
from tests.checkers.raft.etcd_log import entry, put, segments, state
from tests.checkers.timeline import Row, history_of

LOG = [entry(1, 1, b"", 1), entry(2, 1, put(b"a", b"x~9......")), state(1, 0xABCD, 2)]


def left(folder: Path, *logs: list[Segment]) -> dict[str, Path]:
    """Write logs of n1, n2, ... and return the data directories."""
    directories: dict[str, Path] = {}
    for place, log in enumerate(logs, start=1):
        directory = directories[f"n{place}"] = folder / f"n{place}"
        (directory / "member" / "wal").mkdir(parents=True)
        for segment in log:
            (directory / "member" / "wal" / segment.name).write_bytes(segment.content)
    return directories


def acknowledged(value: str) -> Row:
    return Row(0, 1, 0, "put", {"key": "a", "value": value}, {"revision": 2}, None, OpType.OK)


def test_puts_are_found_as_histories_have_them(tmp_path: Path) -> None:
    logs = read_logs("etcd", left(tmp_path, segments(LOG), segments(LOG)))

    assert isinstance(logs, Persisted)
    assert logs.puts == {("a", "x~9"): 1}
    assert logs.verdict(history_of([acknowledged("x~9")])).answer is Answer.VALID
    assert logs.verdict(history_of([acknowledged("y")])).answer is Answer.INVALID


def test_logs_that_differ_are_convicted(tmp_path: Path) -> None:
    other = [entry(1, 1, b"", 1), entry(2, 1, put(b"a", b"y")), state(1, 0xABCD, 2)]
    logs = read_logs("etcd", left(tmp_path, segments(LOG), segments(other)))

    assert isinstance(logs, Persisted)
    assert logs.verdict(history_of([])).answer is Answer.INVALID


def test_a_log_without_its_beginning_says_nothing_of_puts(tmp_path: Path) -> None:
    logs = read_logs("etcd", left(tmp_path, segments([entry(5, 1, put(b"a", b"x"))])))

    assert isinstance(logs, Persisted)
    assert logs.puts is None
    history = history_of([acknowledged("x")])
    assert logs.resolve(history) is history


def test_logs_that_began_anew_with_a_backup_say_nothing_of_puts(tmp_path: Path) -> None:
    logs = read_logs("etcd", left(tmp_path, segments(LOG), segments(LOG)))

    assert isinstance(logs, Persisted)
    anew = logs.begun_anew()
    history = history_of([acknowledged("only in the backup")])
    assert logs.verdict(history).answer is Answer.INVALID
    assert anew.verdict(history).answer is Answer.VALID
    assert anew.resolve(history) is history


def test_a_corrupt_log_is_a_verdict_that_names_its_place(tmp_path: Path) -> None:
    (segment,) = segments(LOG, zeros=0)
    spoilt = Segment(segment.name, segment.content.replace(b"x~9", b"x~8"))

    verdict = read_logs("etcd", left(tmp_path, [spoilt]))

    assert isinstance(verdict, Verdict)
    assert verdict.answer is Answer.INVALID
    assert "n1/0000000000000000-0000000000000000.wal, byte " in verdict.reason


def test_where_there_are_no_logs_nothing_is_said(tmp_path: Path) -> None:
    assert read_logs("etcd", {"n1": tmp_path}) is None
    assert read_logs("nodeimpl", left(tmp_path, segments(LOG))) is None
