"""Progress of reading: a bar on terminals, lines elsewhere, nothing for small files."""

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from checkers.formats.detect import Format, read_history
from harness.cli.reading import LARGE_BYTES, reading
from tests.harness.cli.conftest import Quorate

OP = '{{"index":{index},"time":0,"process":0,"type":"{type}","f":"noop","error":"{pad}"}}\n'


def history(path: Path, size: int) -> Path:
    """Write a history of `size` bytes or a little more."""
    ops = (
        OP.format(index=index, type=("invoke", "fail")[index % 2], pad="v" * 1000)
        for index in range(2 * (size // 2100 + 1))
    )
    path.write_text('{"quorate":"history","version":1}\n' + "".join(ops))
    return path


def test_every_byte_is_heard_of(tmp_path: Path) -> None:
    path = history(tmp_path / "history.jsonl", 3_000_000)
    heard: list[int] = []

    read_history(path, Format.QUORATE, heard=heard.append)

    assert sum(heard) == path.stat().st_size
    assert 3 <= len(heard) <= 5


def test_a_terminal_is_shown_a_bar(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b" " * LARGE_BYTES)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)

    with reading(path, console) as shown:
        shown.heard(LARGE_BYTES // 2)
        shown.judging(17)

    assert "reading history.jsonl" in screen.getvalue() or "judging 17 ops" in screen.getvalue()
    assert "4.0/8.0 MB" in screen.getvalue()


def test_elsewhere_there_are_lines_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_bytes(b" " * LARGE_BYTES)
    moments = iter([0.0, 5.0, 11.0, 11.0, 12.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))

    with reading(path, Console(file=io.StringIO())) as shown:
        for _ in range(3):
            shown.heard(2_000_000)
        shown.judging(17)

    assert capsys.readouterr().err.splitlines() == [
        f"quorate: {path}: read 4 of 8 MB",
        f"quorate: {path}: judging 17 ops",
    ]


def test_check_says_nothing_of_a_small_file(quorate: Quorate) -> None:
    history(Path("history.jsonl"), 10_000)

    assert quorate("check", "--model", "unique-ids", "history.jsonl").err == ""


def test_check_tells_of_a_large_file(quorate: Quorate) -> None:
    history(Path("history.jsonl"), LARGE_BYTES)

    assert (
        "history.jsonl: judging" in quorate("check", "--model", "unique-ids", "history.jsonl").err
    )
