"""Equal texts of a history are one object in memory."""

from pathlib import Path

import pytest

from checkers import shared_text
from checkers.formats.detect import read_history
from checkers.formats.edn_writer import write_edn
from checkers.history import History, Op, OpType
from checkers.history_file import write_history
from checkers.shared_text import sharing


def test_equal_texts_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_text, "TEXTS_MAX", 1)
    shared = sharing()
    first, second, other, again = (bytes(text).decode() for text in (b"ab", b"ab", b"cd", b"cd"))

    assert shared(first) is shared(second)
    assert shared(other) is other
    assert shared(again) is again  # no room for a second text


@pytest.mark.parametrize("name", ["history.jsonl", "history.edn"])
def test_keys_and_functions_are_shared_when_read(tmp_path: Path, name: str) -> None:
    steps = [["append", "list-1", 1], ["r", "list-1", None]]
    ops = [
        Op(index=0, time=0, process=0, type=OpType.INVOKE, f="txn", value=steps),
        Op(index=1, time=0, process=0, type=OpType.INFO, f="txn", value=steps, error="timed out"),
    ]
    if name.endswith("edn"):
        write_edn(tmp_path / name, History(ops))
    else:
        write_history(tmp_path / name, ops)

    invoke, info = read_history(tmp_path / name)

    assert invoke.f is info.f
    assert invoke.value == steps
    assert isinstance(invoke.value, list)
    assert invoke.value[0][1] is invoke.value[1][1]
