"""What an exploration has come to, line by line, so that it can be stopped at any time and go on.

A file of JSON lines that only grows: a header that says what is asked of every seed, then one line
for each seed that was tried, and one for each run that was kept. A seed's line names the abstract
states that no line before it has. Whatever kills the exploration costs at most the last line, which
is cut off when it goes on.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from harness.errors import UsageError
from harness.explore.seeds import Question, Tried
from harness.recorder import write_whole

JOURNAL_VERSION: Final = 1


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="exploration"):
    """The first line."""

    version: int = JOURNAL_VERSION
    question: Question


class Trial(msgspec.Struct, frozen=True, kw_only=True, tag="tried"):
    """A seed was tried."""

    tried: Tried


class Kept(msgspec.Struct, frozen=True, kw_only=True, tag="kept"):
    """The run of a seed was kept."""

    kind: str
    seed: int
    run: str
    """The run's directory."""


Line = Header | Trial | Kept


class Journal:
    """The journal of one exploration, read back if there is one, and open for more."""

    def __init__(self, path: Path, question: Question) -> None:
        """Raise `UsageError` if there is one already that asks something else, or is none."""
        self.path: Final = path
        self.trials: Final[list[Trial]] = []
        """Of earlier sessions, in the order in which they ended."""
        self.kept: Final[list[Kept]] = []
        self._encode = msgspec.json.Encoder().encode
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            self._file = path.open("ab", buffering=0)
            self._file.truncate(len(whole))
        except OSError as error:
            raise UsageError(f"cannot keep a journal here: {error.strerror}", path=path) from error
        try:
            self._read(whole, question)
        except BaseException:
            self._file.close()
            raise
        if not whole:
            self._write(Header(question=question))

    def add(self, tried: Tried) -> None:
        """Append what came of a seed."""
        self._write(Trial(tried=tried))

    def keep(self, kept: Kept) -> None:
        """Append that a run was kept."""
        self._write(kept)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, whole: bytes, question: Question) -> None:
        for number, line in enumerate(self._lines(whole), 1):
            match line:
                case Header(version=version, question=asked):
                    self._require(version, asked, question)
                case Trial():
                    self.trials.append(line)
                case Kept():
                    self.kept.append(line)
            if (number == 1) != isinstance(line, Header):
                raise UsageError("a journal has one header, first", path=self.path, line=number)

    def _lines(self, whole: bytes) -> Iterator[Line]:
        decode = msgspec.json.Decoder(Line).decode
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                yield decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                problem = f"not a line of an exploration's journal: {error}"
                raise UsageError(problem, path=self.path, line=number) from error

    def _require(self, version: int, asked: Question, question: Question) -> None:
        if version != JOURNAL_VERSION:
            raise UsageError(
                f"has version {version}; expected version {JOURNAL_VERSION}: "
                "use the quorate that wrote it",
                path=self.path,
                line=1,
            )
        # How many seeds are run twice may change from one session to the next.
        if msgspec.structs.replace(asked, rerun_share=question.rerun_share) != question:
            raise UsageError(
                "is the journal of an exploration of another plan: choose another --out, "
                "or give the same plan and options to go on with it",
                path=self.path,
                line=1,
            )

    def _write(self, line: Line) -> None:
        complaint = f"{self.path}: cannot go on with the journal"
        write_whole(self._file, self._encode(line) + b"\n", complaint)
