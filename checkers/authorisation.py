"""That nobody does what they may not, and that nobody is kept from what they may.

What a user may follows from what was granted and revoked, and from when (docs/HISTORY_FORMAT.md,
"Users"). A grant or a revocation may take effect at any time between its call and its return, or,
if its outcome is unknown, at any later time or never; so what a user may at a moment is certain, or
not. Only what is certain convicts:

- an operation that was carried out though no moment between its call and its return was one at
  which it may have been permitted;
- one that was refused with `PERMISSION_DENIED` though at every such moment it certainly was.

Linear in operations times grants of their user; it takes no steps.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import msgspec

from checkers.checker import Budget
from checkers.history import History, Operation, OpType
from checkers.models.etcd_api import in_interval
from checkers.verdict import Evidence, Verdict, invalid, unknown, valid

NAME: Final = "authorisation"

ROOT: Final = "root"
"""Who may do everything."""

DENIED: Final = "permission denied"
"""The error of an operation that its user may not do."""


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The value of `grant` and `revoke`: what a user may do, or may no more."""

    user: str
    key: str
    read: bool = True
    write: bool = True


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The value of `as-user`: what the request needs, whatever it is."""

    user: str
    reads: tuple[tuple[str, str | None], ...] = ()
    """Intervals `[key, range_end]` of which it shows something."""
    writes: tuple[tuple[str, str | None], ...] = ()
    """Those of which it may change something."""
    request: object = None
    """What was asked, for people."""


@dataclass(slots=True)
class _Right:
    """One key that one user may read, or write: when that was changed."""

    changes: list[tuple[int, int | None, bool]] = field(default_factory=list)
    """Call, return (None if unknown), and whether it was granted; in the order of calls."""

    def may_hold(self, call: int, ret: int) -> bool:
        """Whether it may have been granted at some moment in [call, ret]."""
        return any(
            granted and began < ret and not self._is_over(number, ended, call)
            for number, (began, ended, granted) in enumerate(self.changes)
        )

    def _is_over(self, number: int, ended: int | None, call: int) -> bool:
        """Whether a grant was certainly revoked by `call`: by what began after it had ended."""
        return ended is not None and any(
            not granted and began > ended and done is not None and done < call
            for began, done, granted in self.changes[number + 1 :]
        )

    def must_hold(self, call: int, ret: int) -> bool:
        """Whether it was certainly granted at every moment in [call, ret]."""
        return any(
            granted
            and ended is not None
            and ended < call
            and not any(
                began < ret and (done is None or done > start)
                for began, done, is_grant in self.changes
                if not is_grant
            )
            for start, ended, granted in self.changes
        )


@dataclass(slots=True)
class AuthorisationChecker:
    """Judges the operations of users; `UNKNOWN` if authentication was never enabled."""

    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the verdict on `history`."""
        del budget
        operations = list(history.operations())
        enabled = min(
            (each.ret for each in operations if each.f == "enable" and each.ret is not None),
            default=None,
        )
        if enabled is None:
            return unknown(NAME, "authentication was never enabled")
        try:
            rights = _rights_of(operations)
            asked = [
                (each, msgspec.convert(each.value, Asked))
                for each in operations
                if each.f == "as-user"
            ]
        except msgspec.ValidationError as error:
            return unknown(NAME, f"cannot read the history: {error}")
        judged = 0
        for operation, value in asked:
            if operation.call > enabled:
                judged += 1
                breach = _breach(operation, value, rights)
                if breach is not None:
                    evidence = Evidence(operations=(operation.call,), story=breach)
                    return invalid(NAME, breach, evidence)
        if not judged:
            return unknown(NAME, "no user asked for anything")
        return valid(NAME, {"operations": judged})


class _Need(msgspec.Struct, frozen=True):
    """Something that an operation needs its user to be permitted."""

    user: str
    key: str
    range_end: str | None
    is_write: bool

    def right(self, rights: "_Rights") -> _Right | None:
        """Return what there is to know of it; None if nobody ever granted it.

        Keys that no grant names are nobody's, so an interval that holds more than one is, too.
        """
        if self.range_end is not None and in_interval(self.key + "\0", self.key, self.range_end):
            return None
        return rights.get((self.user, self.key, self.is_write))


_Rights: TypeAlias = dict[tuple[str, str, bool], _Right]
"""By user, key, and whether it is to write."""


def _rights_of(operations: Sequence[Operation]) -> _Rights:
    rights: _Rights = {}
    for operation in operations:
        if operation.f not in {"grant", "revoke"} or operation.outcome is OpType.FAIL:
            continue
        grant = msgspec.convert(operation.value, Grant)
        for is_write, is_meant in ((False, grant.read), (True, grant.write)):
            if is_meant:
                right = rights.setdefault((grant.user, grant.key, is_write), _Right())
                right.changes.append((operation.call, operation.ret, operation.f == "grant"))
    return rights


def _needs_of(asked: Asked) -> Iterator[_Need]:
    for is_write, intervals in ((False, asked.reads), (True, asked.writes)):
        for key, range_end in intervals:
            yield _Need(asked.user, key, range_end, is_write)


def _breach(operation: Operation, asked: Asked, rights: _Rights) -> str | None:
    """Say what the answer to an operation shows that must not be; None if nothing."""
    call, ret = operation.call, operation.ret
    if ret is None or asked.user == ROOT:
        return None
    known = [(need, need.right(rights)) for need in _needs_of(asked)]
    if operation.outcome is OpType.OK:
        for need, right in known:
            if right is None or not right.may_hold(call, ret):
                kind = "write" if need.is_write else "read"
                return (
                    f"operation {call} of {asked.user} was carried out ({asked.request}), though"
                    f" {asked.user} could not {kind} {need.key!r}..{need.range_end!r} then"
                )
        return None
    is_denied = operation.error is not None and operation.error.endswith(DENIED)
    if is_denied and all(right is not None and right.must_hold(call, ret) for _, right in known):
        return (
            f"operation {call} of {asked.user} was denied ({asked.request}), though all of it was"
            " permitted"
        )
    return None
