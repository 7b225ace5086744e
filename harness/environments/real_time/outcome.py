"""What came of a trial in real time; the history went to the recorder."""

from dataclasses import dataclass
from typing import Final

import msgspec

from harness.environments.environment import Death
from nemesis.schedule import Schedule

CHANGE: Final = "change"
"""The phase of a fault, in histories, that tells what an operator did on its account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something the cluster did wrong that needed no history to be seen."""

    judge: str
    """`liveness`, `agreement`, `rot` or `daemons`."""
    rule: str
    story: str


class Stuck(Exception):  # noqa: N818 - the cluster's failure, not an error of ours
    """The cluster does not do what it must: ends the trial with a `Failure`."""

    def __init__(self, judge: str, rule: str, story: str) -> None:
        super().__init__(story)
        self.failure = Failure(judge=judge, rule=rule, story=story)


class RoleSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A node was found in a role that it did not have at the look before."""

    at_ns: int
    node: str
    role: str
    term: int


class MemberChange(msgspec.Struct, frozen=True, kw_only=True):
    """What came of what a fault asked an operator for: other members, or room in stores."""

    do: str
    """The fault."""
    asked: str
    """What the operator promised, as the record of the fault says it."""
    outcome: str
    """`done` or `not done`."""
    reason: str
    """What was done, and why not more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealOutcome:
    """See the module."""

    failure: Failure | None
    deaths: tuple[Death, ...]
    """Daemons that ended by themselves, and not because a disk failed them."""
    schedule: Schedule
    """As asked and as applied."""
    setup_ns: int
    """From the first daemon's start until all served."""
    wall_ns: int
    """From the beginning of the load to the end of the trial."""
    election_count: int
    """Terms in which a leader was seen."""
    roles_seen: tuple[RoleSeen, ...]
    """Who was found in which role, in order; a change between two looks is missing."""
    commit_count: int
    """Log entries that were applied in the course of the trial, as the nodes told."""
    recovery_ns: int | None
    """From the end of the faults until the cluster had converged; None if it did not."""
    member_changes: tuple[MemberChange, ...]
    """What came of each that was asked for, in order, room that was made included."""
    hashes_compared: int
    """Nodes whose stores were found to be equal at the end; 0 if they were not compared."""
