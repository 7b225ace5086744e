"""What was really done: one record for each beginning and each end of a fault.

The records of a trial go into its schedule file and, as `info` ops of process `nemesis`,
into its history. They name nodes and links, never words, and can be repeated exactly.
"""

import enum
from collections.abc import Iterable
from typing import assert_never

import msgspec

from nemesis.fault import Fault
from nemesis.faults.voiding import voids


class Phase(enum.StrEnum):
    """Which side of a fault."""

    BEGIN = "begin"
    END = "end"


class Outcome(enum.StrEnum):
    """What came of it."""

    INTENDED = "intended"
    """About to be tried; in journals only, so that a crashed harness knows what to undo."""
    DONE = "done"
    SKIPPED = "skipped"
    """Not tried, since it made no sense at that moment; `Applied.reason` says why."""
    FAILED = "failed"
    """Tried, and the surface could not; `Applied.reason` is its message."""


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """One beginning or end of a fault, as it was carried out."""

    at_ns: int
    """When, in nanoseconds from the start of the trial."""
    id: int
    """The asked fault it belongs to; 0 if none asked for it."""
    phase: Phase
    outcome: Outcome
    fault: Fault
    """Explicit: one node or exact links. As asked only where nothing was meant (skipped)."""
    reason: str = ""
    """Why it was skipped or failed, or what else there is to know; may be empty."""

    def describe(self) -> str:
        """Return the record as a phrase: `partition n1>n2 n2>n1 for 600 ms`, `heal n1>n2`."""
        text = self.fault.begins() if self.phase is Phase.BEGIN else self.fault.ends()
        match self.outcome:
            case Outcome.DONE:
                pass
            case Outcome.INTENDED | Outcome.SKIPPED | Outcome.FAILED:
                text = f"{self.outcome}: {text}"
            case _:
                assert_never(self.outcome)
        return f"{text} ({self.reason})" if self.reason else text


def outstanding(journal: Iterable[Applied]) -> list[Applied]:
    """Return the beginnings in `journal` that no end undid, in their order.

    `journal` holds records in the order in which they were written. A beginning counts
    from its intent on: a harness that died in between may or may not have carried it out.
    An end counts only when it was done, or skipped because there was nothing left to undo;
    a kill that was done ends the pauses of its daemon.
    """
    begun: dict[tuple[int, Fault], Applied] = {}
    for record in journal:
        key = (record.id, record.fault)
        if record.fault.held_ns() is None:
            continue
        if record.phase is Phase.BEGIN:
            if record.outcome is Outcome.SKIPPED:
                begun.pop(key, None)
                continue
            if record.outcome is Outcome.DONE:
                begun = {key: b for key, b in begun.items() if not voids(record.fault, b.fault)}
            begun[key] = record
        elif record.outcome in (Outcome.DONE, Outcome.SKIPPED):
            begun.pop(key, None)
    return list(begun.values())
