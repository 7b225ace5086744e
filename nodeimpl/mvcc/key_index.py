"""The history of one key: which revisions changed it, by generations.

A generation is one life of the key: from the put that made it, through the puts that changed it,
to the tombstone that ended it. After a tombstone stands an empty generation, which the next put
fills. So put, put, delete, put, delete at revisions 1 to 5 gives, oldest first (etcd,
mvcc/key_index.go):

    {1.0, 2.0, 3.0(t)}   {4.0, 5.0(t)}   {}
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import msgspec

from nodeimpl.ids import Revision
from nodeimpl.mvcc.rows import ChangeId, Place

NEVER = Revision(0)
"""The create_revision of a generation that is empty, or of which only the tombstone is known."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """A key that exists at some revision: the change that made it what it is there."""

    main: Revision
    """Its mod_revision."""
    sub: int
    created: Revision
    version: int


@dataclass(slots=True)
class Generation:
    """One life of a key. `mains[i]`, `subs[i]` is its i-th change still known, in order."""

    created: Revision = NEVER
    version: int = 0
    """Changes in this life, those compacted and the tombstone counted."""
    mains: list[Revision] = field(default_factory=list)
    subs: list[int] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """The key does not exist and its next life has not begun."""
        return not self.mains

    def append(self, main: Revision, sub: int) -> None:
        """Add a change, which must be later than all before it."""
        mains = self.mains
        if not mains:
            self.created = main
        else:
            assert mains[-1] < main or (mains[-1] == main and self.subs[-1] < sub), (
                f"change {main}.{sub} after {mains[-1]}.{self.subs[-1]}: revisions only grow"
            )
        mains.append(main)
        self.subs.append(sub)
        self.version += 1

    @property
    def last_change(self) -> ChangeId:
        """The newest change; there must be one."""
        return self.mains[-1], self.subs[-1]

    def kept_from(self, at: Revision) -> ChangeId:
        """Return the change that holds at `at`, else the first one; (`at` + 1, 0) if empty."""
        if not self.mains:
            return Revision(at + 1), 0
        position = max(0, bisect_right(self.mains, at) - 1)
        return self.mains[position], self.subs[position]

    def forget_through(self, last: ChangeId) -> None:
        """Forget every change up to and with `last`; version and create_revision stay."""
        count = bisect_left(self.mains, last[0])
        while count < len(self.mains) and (self.mains[count], self.subs[count]) <= last:
            count += 1
        del self.mains[:count]
        del self.subs[:count]


@dataclass(slots=True)
class KeyIndex:
    """All generations of one key, oldest first; only the last may be empty."""

    generations: list[Generation] = field(default_factory=lambda: [Generation()])

    @property
    def is_empty(self) -> bool:
        """Nothing is known of the key any more."""
        return len(self.generations) == 1 and self.generations[0].is_empty

    def put(self, main: Revision, sub: int) -> Generation:
        """Add a put and return the generation it belongs to: its create_revision and version."""
        generation = self.generations[-1]
        generation.append(main, sub)
        return generation

    def tombstone(self, main: Revision, sub: int) -> None:
        """End the key's present life. The key must exist."""
        generation = self.generations[-1]
        assert not generation.is_empty, f"tombstone {main}.{sub} on a key that does not exist"
        generation.append(main, sub)
        self.generations.append(Generation())

    def restore(self, place: Place, created: Revision, version: int) -> None:
        """Begin with the oldest change left in the backend; what came before was compacted."""
        assert self.is_empty, "restore begins a history"
        if place.is_tombstone:
            self.generations = [Generation(NEVER, 1, [place.main], [place.sub]), Generation()]
        else:
            self.generations = [Generation(created, version, [place.main], [place.sub])]

    def find(self, at: Revision) -> Found | None:
        """Return the change that holds at revision `at`; None if the key does not exist there.

        Of several changes in one revision the last holds.
        """
        generations = self.generations
        newest = generations[-1]
        if newest.mains and newest.mains[-1] <= at:  # The present, as most are asked for.
            return Found(newest.mains[-1], newest.subs[-1], newest.created, newest.version)
        last = len(generations) - 1
        for number in range(last, -1, -1):
            generation = generations[number]
            mains = generation.mains
            if not mains:
                continue
            if number != last and mains[-1] <= at:
                return None  # Its tombstone holds: `at` lies between two lives.
            if mains[0] <= at:
                position = bisect_right(mains, at) - 1
                version = generation.version - (len(mains) - 1 - position)
                return Found(
                    mains[position], generation.subs[position], generation.created, version
                )
        return None

    def kept_from(self, at: Revision) -> ChangeId:
        """Return the first change that a compaction at `at` keeps, or where it would be.

        All before it are superseded. What holds at `at` stays, be it a tombstone of that very
        revision (etcd: a watch from there must still deliver it); an older tombstone goes with
        its whole generation.
        """
        for generation in self.generations[:-1]:
            if generation.mains[-1] >= at:
                return generation.kept_from(at)
        return self.generations[-1].kept_from(at)

    def forget_through(self, last: ChangeId) -> None:
        """Forget every change up to and with `last`."""
        ended = 0
        for generation in self.generations[:-1]:
            if generation.last_change > last:
                break
            ended += 1
        del self.generations[:ended]
        oldest = self.generations[0]
        oldest.forget_through(last)
        if len(self.generations) > 1 and len(oldest.mains) == 1:
            # Only its tombstone is left. A tombstone's row does not say how the life before it
            # went; nobody asks, and a restart, which reads only the rows, shall find the same.
            oldest.created, oldest.version = NEVER, 1

    def places(self) -> list[Place]:
        """Return the place of every change still known, in order."""
        last = len(self.generations) - 1
        return [
            place
            for number, generation in enumerate(self.generations)
            for place in _places(generation, ended=number != last)
        ]


def _places(generation: Generation, *, ended: bool) -> list[Place]:
    """Return the places of a generation's changes; if it has ended, the last is its tombstone."""
    changes = list(zip(generation.mains, generation.subs, strict=True))
    last = len(changes) - 1
    return [
        Place(main, sub, is_tombstone=ended and number == last)
        for number, (main, sub) in enumerate(changes)
    ]
