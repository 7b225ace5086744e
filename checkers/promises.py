"""Checkers of single promises, by the names under which they can be asked for."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from checkers.checker import Checker
from checkers.election import ElectionChecker
from checkers.jepsen.bank import Bank
from checkers.jepsen.causal import Causal
from checkers.jepsen.counter import Counter
from checkers.jepsen.long_fork import LongFork
from checkers.jepsen.set_full import SetFull
from checkers.jepsen.total_queue import TotalQueue
from checkers.jepsen.unique_ids import UniqueIds
from checkers.leases.checker import LeaseChecker
from checkers.lock import lock_exclusion, lock_fencing

_CHECKERS: Final[Mapping[str, tuple[Callable[[], Checker], str]]] = MappingProxyType(
    {
        "bank": (Bank, "transfers keep the total"),
        "causal": (Causal, "registers keep causal order"),
        "counter": (Counter, "reads lie between what was and what may have been added"),
        "election": (ElectionChecker, "one leader at each revision, and its own words"),
        "lease": (LeaseChecker, "leases end neither early nor late, with all keys at once"),
        "lock-exclusion": (lock_exclusion, "no two clients hold a lock at once"),
        "lock-fencing": (lock_fencing, "tokens of locks rise, and fence off former holders"),
        "long-fork": (LongFork, "no two reads see two writes in opposite orders"),
        "set-full": (SetFull, "what was added to a set stays, and is seen at once"),
        "total-queue": (TotalQueue, "what goes into a queue comes out"),
        "unique-ids": (UniqueIds, "no id is given twice"),
    }
)


def promise_names() -> tuple[str, ...]:
    """Return every name that `promise_checker` knows, sorted."""
    return tuple(sorted(_CHECKERS))


def promise_checker(name: str) -> Checker:
    """Return the checker called `name`, one of `promise_names`."""
    make, _ = _CHECKERS[name]
    return make()


def promise(name: str) -> str:
    """Return in a few words what the checker called `name` proves."""
    return _CHECKERS[name][1]


def promise_of(names: set[str]) -> str | None:
    """Return whose promise operations with these `f`s speak of; None if of none of these."""
    for name, told_by in _TOLD_BY.items():
        if names & told_by:
            return name
    return None


_TOLD_BY: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "lease": frozenset({"lease-grant", "lease-revoke", "lease-keep-alive"}),
        "election": frozenset({"campaign", "proclaim", "leader", "observe", "resign"}),
        "lock-fencing": frozenset({"guarded"}),
        "lock-exclusion": frozenset({"unguarded"}),
        "total-queue": frozenset({"drain"}),
        "unique-ids": frozenset({"generate"}),
        "bank": frozenset({"transfer"}),
    }
)
"""Operations that only one of them has."""
