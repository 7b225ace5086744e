"""Schedules: which faults are asked for and when, and which were applied.

`asked` may speak of leaders and majorities and wait for observations; `applied` is what
came of it. `explicit` turns the second into a schedule of the first kind that repeats it
exactly, which is what replaying and shrinking work on. The file form is
`nemesis.schedule_file`, the drawing of schedules from a seed `nemesis.generate`.

All times are nanoseconds from the start of the trial.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar, TypeAlias

import msgspec

from nemesis.applied import Applied, Outcome, Phase
from nemesis.fault import Fault

Stream: TypeAlias = Callable[[str], Random]
"""Returns the random stream of a name, e.g. `Random(f"{seed}/{name}")`.

One stream per concern, so that removing one fault leaves what others draw as it was.
"""


class ObservedRole(enum.StrEnum):
    """A Raft role that an observation may speak of (Raft §5.1)."""

    LEADER = "leader"
    CANDIDATE = "candidate"
    FOLLOWER = "follower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One thing a node was seen to do, as its trace tells it."""

    event: str
    """`role`, `commit` and `start` can trigger faults; others are of no interest here."""
    node: str
    role: str | None = None
    """The role taken, of a `role` observation; None of others."""


class BecomesRole(msgspec.Struct, frozen=True, kw_only=True):
    """A node takes `role`."""

    event: ClassVar[str] = "role"
    role: ObservedRole
    nth: int
    node: str | None = None

    def matches(self, observation: Observation) -> bool:
        """Say whether `observation` is one to count."""
        return observation.role == self.role and _is_seen(self.event, self.node, observation)


class Commits(msgspec.Struct, frozen=True, kw_only=True):
    """A node advances its commit index."""

    event: ClassVar[str] = "commit"
    nth: int
    node: str | None = None

    def matches(self, observation: Observation) -> bool:
        """Say whether `observation` is one to count."""
        return _is_seen(self.event, self.node, observation)


class Starts(msgspec.Struct, frozen=True, kw_only=True):
    """A daemon starts, the first start of the trial included."""

    event: ClassVar[str] = "start"
    nth: int
    node: str | None = None

    def matches(self, observation: Observation) -> bool:
        """Say whether `observation` is one to count."""
        return _is_seen(self.event, self.node, observation)


Trigger: TypeAlias = BecomesRole | Commits | Starts
"""What to wait for: the `nth` such observation (from 1) of `node`; None: of any node,
counted over the whole cluster."""


class At(msgspec.Struct, frozen=True):
    """At this time."""

    at_ns: int


class When(msgspec.Struct, frozen=True):
    """`delay_ns` after the trigger has been observed; at most once."""

    trigger: Trigger
    delay_ns: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a schedule and its moment."""

    id: int
    """At least 1, unique in its schedule; also the name of the stream its choices are from."""
    moment: At | When
    fault: Fault


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """Faults asked for, and, once it has been carried out, what was applied."""

    seed: int
    asked: tuple[Asked, ...] = ()
    applied: tuple[Applied, ...] = ()


def explicit(seed: int, applied: Sequence[Applied]) -> Schedule:
    """Return a schedule that asks for exactly what `applied` says was done.

    Each beginning that was done becomes one fault at its time, with its node or its links,
    lasting as long as it really did; a fault whose end is not recorded lasts as asked. What
    was skipped or failed is left out. Ids are new, from 1.
    """
    asked: list[Asked] = []
    for place, record in enumerate(applied):
        if record.phase is Phase.BEGIN and record.outcome is Outcome.DONE:
            ends = (
                later.at_ns
                for later in applied[place + 1 :]
                if later.phase is Phase.END and (later.id, later.fault) == (record.id, record.fault)
            )
            end_ns = next(ends, None)
            lasted = record.fault
            if end_ns is not None:
                lasted = record.fault.lasting(end_ns - record.at_ns)
            asked.append(Asked(id=len(asked) + 1, moment=At(record.at_ns), fault=lasted))
    return Schedule(seed=seed, asked=tuple(asked))


def _is_seen(event: str, node: str | None, observation: Observation) -> bool:
    return observation.event == event and node in (None, observation.node)
