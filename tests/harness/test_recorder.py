"""The history as it happens."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from checkers.history import Op, OpType
from checkers.history_file import HistoryReader, load_history
from checkers.watch_history import Created, End, WatchRecord, load_watch_file
from harness.errors import HarnessError
from harness.recorder import Recorder, WatchRecorder

OPS = [
    Op(index=0, time=1, process=0, type=OpType.INVOKE, f="write", key="x", value=3, node="n1"),
    Op(index=1, time=2, process=0, type=OpType.INFO, f="write", key="x", error="timed out"),
]

RECORDS_AND_KILLS_ITSELF = """
import os, pathlib, signal, sys
from checkers.history import Op, OpType
from harness.recorder import Recorder

recorder = Recorder(pathlib.Path(sys.argv[1]))
for index in range(1001):
    op = Op(index=index, time=index, process=index, type=OpType.INVOKE, f="read")
    recorder.record(op)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_recorded_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with Recorder(path, {"seed": 7}) as recorder:
        recorder.record(OPS[0])
        recorder.record(OPS[1])

    loaded = load_history(path)

    assert list(loaded.history.ops) == OPS
    assert loaded.header.about == {"seed": 7}


def test_what_watchers_are_told_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "watch.jsonl"
    records: list[WatchRecord] = [Created(time=1, watcher=0, revision=7), End(time=2, revision=9)]
    with closing(WatchRecorder(path, {"seed": 7})) as recorder:
        for record in records:
            recorder.record(record)

    assert load_watch_file(path) == records


def test_an_op_is_in_the_file_as_soon_as_it_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    with Recorder(path) as recorder:
        recorder.record(OPS[0])

        assert list(load_history(path).history.ops) == OPS[:1]


def test_a_killed_recorder_leaves_every_op(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"

    killed = subprocess.run(
        [sys.executable, "-c", RECORDS_AND_KILLS_ITSELF, str(path)], check=False
    )

    assert killed.returncode == -signal.SIGKILL
    with HistoryReader(path) as reader:
        assert len(list(reader)) == 1001


def test_an_interrupted_recorder_leaves_every_op(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"

    def interrupted() -> None:
        with Recorder(path) as recorder:
            recorder.record(OPS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(load_history(path).history.ops) == OPS[:1]


def test_a_history_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text("precious", encoding="utf-8")

    with pytest.raises(HarnessError, match="cannot record the history: File exists"):
        Recorder(path)

    assert path.read_text(encoding="utf-8") == "precious"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_a_failure_of_the_harness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(tmp_path / "history.jsonl")
    recorder.close()

    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(recorder._file, "_file", full)
        with pytest.raises(HarnessError, match="cannot record an op: No space left on device"):
            recorder.record(OPS[0])
