"""What a checker answers: valid, invalid with its evidence, or unknown with its reason."""

import enum
from collections.abc import Iterator, Sequence

import msgspec


class Answer(enum.IntEnum):
    """Ordered from best to worst: of several answers, the greatest is the answer to all."""

    VALID = 0
    UNKNOWN = 1
    INVALID = 2


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Why a history is invalid, for a human and for a program."""

    operations: tuple[int, ...]
    """The operations in conflict, by the indices of their invokes, rising."""
    story: str
    """Lines a human can follow and believe."""
    facts: dict[str, object] = {}
    """The same for programs, as plain JSON values; each checker documents its own."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of one checker about one history."""

    checker: str
    answer: Answer
    reason: str = ""
    """One sentence that says why not; empty only if `VALID`."""
    evidence: Evidence | None = None
    """None unless the checker itself convicted: a merged verdict has it in its parts."""
    details: dict[str, object] = {}
    """Figures, as plain JSON values: operations, steps, the method that decided."""
    parts: tuple["Verdict", ...] = ()
    """The verdicts this one was merged from."""

    def __post_init__(self) -> None:
        assert self.reason or self.answer is Answer.VALID, "whoever does not pass says why"
        assert self.evidence is None or self.answer is Answer.INVALID, "evidence convicts"

    def leaves(self) -> Iterator["Verdict"]:
        """Yield the verdicts that were not merged from others, in order; itself, if it was not."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


def valid(checker: str, details: dict[str, object] | None = None) -> Verdict:
    """Return the verdict of `checker` that all is well."""
    return Verdict(checker=checker, answer=Answer.VALID, details=details or {})


def unknown(checker: str, reason: str, details: dict[str, object] | None = None) -> Verdict:
    """Return the verdict of `checker` that it cannot tell, for `reason`."""
    return Verdict(checker=checker, answer=Answer.UNKNOWN, reason=reason, details=details or {})


def invalid(
    checker: str, reason: str, evidence: Evidence, details: dict[str, object] | None = None
) -> Verdict:
    """Return the verdict of `checker` that the history is wrong, for `reason`, as proven."""
    return Verdict(
        checker=checker,
        answer=Answer.INVALID,
        reason=reason,
        evidence=evidence,
        details=details or {},
    )


def merge(checker: str, parts: Sequence[Verdict]) -> Verdict:
    """Return the worst answer among `parts`, with the reason of the first part that gives it.

    No parts at all are `UNKNOWN`: what was not checked does not pass.
    """
    if not parts:
        return unknown(checker, "nothing was checked")
    worst = max(parts, key=lambda part: part.answer)
    return Verdict(
        checker=checker,
        answer=worst.answer,
        reason=f"{worst.checker}: {worst.reason}" if worst.reason else "",
        parts=tuple(parts),
    )


def as_json_value(verdict: Verdict) -> dict[str, object]:
    """Return `verdict` as plain JSON values, with answers by name; empty fields are left out."""
    value: dict[str, object] = {"checker": verdict.checker, "answer": verdict.answer.name}
    if verdict.reason:
        value["reason"] = verdict.reason
    if verdict.evidence is not None:
        value["evidence"] = msgspec.to_builtins(verdict.evidence)
    if verdict.details:
        value["details"] = verdict.details
    if verdict.parts:
        value["parts"] = [as_json_value(part) for part in verdict.parts]
    return value


class _Told(msgspec.Struct, frozen=True):
    """A verdict as `as_json_value` puts it."""

    checker: str
    answer: str
    reason: str = ""
    evidence: Evidence | None = None
    details: dict[str, object] = {}
    parts: tuple["_Told", ...] = ()


def from_json_value(value: object) -> Verdict:
    """Return the verdict that `as_json_value` made into `value`.

    Raises `ValueError`, of which a `msgspec.ValidationError` is one, if it made no such thing.
    """
    return _retold(msgspec.convert(value, _Told))


def _retold(told: _Told) -> Verdict:
    if told.answer not in Answer.__members__:
        raise ValueError(
            f"{told.answer!r} is no answer; expected one of {', '.join(Answer.__members__)}"
        )
    answer = Answer[told.answer]
    if answer is not Answer.VALID and not told.reason:
        raise ValueError(f"{told.checker} says {told.answer} and not why")
    return Verdict(
        checker=told.checker,
        answer=answer,
        reason=told.reason,
        evidence=told.evidence if answer is Answer.INVALID else None,
        details=told.details,
        parts=tuple(_retold(part) for part in told.parts),
    )
