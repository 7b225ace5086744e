"""Elections: one leader at each revision, no way back to an earlier one, and its own words.

The leader of an election is whose key is oldest (etcd Election service). New keys are younger than
all, so with rising revisions the leader's token can only rise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import msgspec

from checkers.checker import Budget
from checkers.history import History, Operation, OpType
from checkers.lock import evidence_of
from checkers.tenures import Breach, Sighting, UnreadableTenureError, in_words
from checkers.verdict import Verdict, invalid, merge, unknown, valid

NAME: Final = "election"


class Word(msgspec.Struct, frozen=True, gc=False):
    """What a leader was heard to say."""

    name: str
    token: int
    mod_revision: int
    value: str
    operation: Operation


@dataclass(slots=True)
class Elections:
    """What a history tells of elections."""

    sightings: list[Sighting] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    values: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    """What each leader that is known to have been elected said or may have said."""
    resigned: dict[tuple[str, int], tuple[int, Operation]] = field(default_factory=dict)
    """At which revision each leader resigned first."""


class _Request(msgspec.Struct, gc=False):
    election: str
    token: int = 0
    value: str = ""


class _Elected(msgspec.Struct, gc=False):
    revision: int
    key: str
    token: int


class _Leader(msgspec.Struct, gc=False):
    revision: int
    key: str
    token: int
    mod_revision: int
    value: str


class _Observed(msgspec.Struct, gc=False):
    leaders: tuple[_Leader, ...]


class _Revision(msgspec.Struct, gc=False):
    revision: int


_ASKED: Final = frozenset({"campaign", "proclaim", "leader", "observe", "resign"})


def elections_of(history: History) -> Elections:
    """Return what `history` tells of elections; raise `UnreadableTenureError`."""
    elections = Elections()
    try:
        for operation in history.operations():
            if operation.f in _ASKED and operation.outcome is not OpType.FAIL:
                _read(operation, elections)
    except msgspec.ValidationError as error:
        raise UnreadableTenureError(str(error)) from error
    return elections


def _read(operation: Operation, elections: Elections) -> None:
    request = msgspec.convert(operation.value, _Request)
    happened = operation.outcome is OpType.OK
    match operation.f:
        case "proclaim":
            identity = (request.election, request.token)
            elections.values.setdefault(identity, set()).add(request.value)
            if happened:
                revision = msgspec.convert(operation.result, _Revision).revision
                _saw(elections, request.election, request.token, revision, operation)
        case "campaign" if happened:
            elected = msgspec.convert(operation.result, _Elected)
            identity = (request.election, elected.token)
            elections.values.setdefault(identity, set()).add(request.value)
            _saw(elections, request.election, elected.token, elected.revision, operation)
        case "resign" if happened:
            revision = msgspec.convert(operation.result, _Revision).revision
            identity = (request.election, request.token)
            earlier = elections.resigned.get(identity)
            if earlier is None or revision < earlier[0]:
                elections.resigned[identity] = (revision, operation)
        case "leader" | "observe" if happened:
            for leader in _leaders(operation):
                _saw(elections, request.election, leader.token, leader.revision, operation)
                word = Word(
                    request.election, leader.token, leader.mod_revision, leader.value, operation
                )
                elections.words.append(word)


def _leaders(operation: Operation) -> Iterator[_Leader]:
    if operation.f == "observe":
        yield from msgspec.convert(operation.result, _Observed).leaders
    else:
        yield msgspec.convert(operation.result, _Leader)


def _saw(elections: Elections, name: str, token: int, revision: int, operation: Operation) -> None:
    words = f"{in_words(operation)} showed the leader of token {token} at revision {revision}"
    elections.sightings.append(Sighting(name, token, revision, operation, words))


def went_back(elections: Elections) -> Breach | None:
    """Judge that tokens of leaders never fall as revisions rise: one leader at each revision."""
    for seen in _by_name(elections.sightings):
        by_revision = sorted(seen, key=lambda sighting: (sighting.revision, sighting.token))
        for first, second in pairwise(by_revision):
            same = first.revision == second.revision and first.token != second.token
            if same or second.token < first.token:
                kind = "two-leaders" if same else "leader-went-back"
                return _two(kind, first, ", but ", second)
    return None


def behind_time(elections: Elections) -> Breach | None:
    """Judge that whoever asks later is not shown an earlier revision."""
    for seen in _by_name(elections.sightings):
        asked = [sighting for sighting in seen if sighting.operation.f != "observe"]
        by_return = sorted(asked, key=_returned)
        latest: Sighting | None = None
        place = 0
        for sighting in asked:  # in the order of calls
            while _returned(by_return[place]) < sighting.operation.call:
                if latest is None or by_return[place].revision > latest.revision:
                    latest = by_return[place]
                place += 1
            if latest is not None and sighting.revision < latest.revision:
                return _two("leader-behind-time", latest, "; after that, ", sighting)
    return None


def observed_backwards(elections: Elections) -> Breach | None:
    """Judge that who observes an election is told of leaders in the order of revisions."""
    for seen in _by_name(elections.sightings):
        observed = [sighting for sighting in seen if sighting.operation.f == "observe"]
        for first, second in pairwise(observed):
            if first.operation is second.operation and second.revision < first.revision:
                return _two("observed-backwards", first, ", and then ", second)
    return None


def led_after_resigning(elections: Elections) -> Breach | None:
    """Judge that nobody leads after the revision at which they resigned."""
    for sighting in elections.sightings:
        ended = elections.resigned.get((sighting.name, sighting.token))
        if ended is not None and sighting.revision > ended[0]:
            return Breach(
                kind="led-after-resigning",
                story=f"{in_words(ended[1])} ended its leadership at revision {ended[0]}, but"
                f" {sighting.words}",
                operations=(ended[1], sighting.operation),
            )
    return None


def put_words_into_its_mouth(elections: Elections) -> Breach | None:
    """Judge that a leader is only ever heard to say what it said.

    Of one whose campaign was never answered, nobody knows all that it said.
    """
    heard: dict[tuple[str, int, int], Word] = {}
    elected = {
        (sighting.name, sighting.token)
        for sighting in elections.sightings
        if sighting.operation.f == "campaign"
    }
    for word in elections.words:
        leader = (word.name, word.token)
        first = heard.setdefault((word.name, word.token, word.mod_revision), word)
        if first.value != word.value:
            return Breach(
                kind="two-words",
                story=f"{in_words(first.operation)} was told that the leader of token"
                f" {word.token} had said {first.value!r} at revision {word.mod_revision}, but"
                f" {in_words(word.operation)} that it had said {word.value!r} then",
                operations=(first.operation, word.operation),
            )
        if leader in elected and word.value not in elections.values[leader]:
            return Breach(
                kind="never-said",
                story=f"{in_words(word.operation)} was told that the leader of token"
                f" {word.token} had said {word.value!r}, which it never did",
                operations=(word.operation,),
            )
    return None


def _returned(sighting: Sighting) -> int:
    assert sighting.operation.ret is not None, "a sighting was answered"
    return sighting.operation.ret


def _by_name(sightings: Sequence[Sighting]) -> list[list[Sighting]]:
    names: dict[str, list[Sighting]] = {}
    for sighting in sightings:
        names.setdefault(sighting.name, []).append(sighting)
    return list(names.values())


def _two(kind: str, first: Sighting, between: str, second: Sighting) -> Breach:
    return Breach(
        kind=kind,
        story=f"{first.words}{between}{second.words}",
        operations=(first.operation, second.operation),
    )


PROMISES: Final[tuple[tuple[str, Callable[[Elections], Breach | None]], ...]] = (
    ("election-one-leader", went_back),
    ("election-real-time", behind_time),
    ("election-observe", observed_backwards),
    ("election-resign", led_after_resigning),
    ("election-proclaim", put_words_into_its_mouth),
)
"""Every promise, by the name its verdicts are signed with."""


@dataclass(frozen=True, slots=True)
class ElectionChecker:
    """Judges elections by all that was answered about them. It takes no steps."""

    name: str = NAME

    def check(self, history: History, budget: Budget) -> Verdict:
        """Return the worst of all verdicts; `UNKNOWN` if no leader was ever seen."""
        del budget
        try:
            elections = elections_of(history)
        except UnreadableTenureError as error:
            return unknown(NAME, f"cannot read the history: {error}")
        if not elections.sightings:
            return unknown(NAME, "no leader was ever seen")
        return merge(NAME, [_verdict(name, judge, elections) for name, judge in PROMISES])


def _verdict(
    name: str, judge: Callable[[Elections], Breach | None], elections: Elections
) -> Verdict:
    breach = judge(elections)
    if breach is None:
        return valid(name, {"sightings": len(elections.sightings)})
    return invalid(name, breach.story, evidence_of(breach))
