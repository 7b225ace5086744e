"""One key's history against a naive twin: what the key was at every single revision."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import Revision
from nodeimpl.mvcc.key_index import KeyIndex
from nodeimpl.mvcc.rows import Place

Alive = tuple[int, int, int, int]
"""main, sub, created, version."""


@dataclass
class NaiveTwin:
    """What holds after each revision, written down in full; None when the key does not exist."""

    at: list[Alive | None] = field(default_factory=lambda: [None])

    def put(self, sub: int, base: Alive | None) -> None:
        main = len(self.at) - 1
        self.at[-1] = (main, sub, base[2] if base else main, base[3] + 1 if base else 1)


def build(steps: list[str]) -> tuple[KeyIndex, NaiveTwin]:
    """Change a key once in each revision: p puts, d deletes, b does both, . does neither."""
    key_index, twin = KeyIndex(), NaiveTwin()
    for main, step in enumerate(steps, start=1):
        before = twin.at[-1]
        twin.at.append(before)
        revision = Revision(main)
        if step in "pb":
            key_index.put(revision, 0)
            twin.put(0, before)
        if step in "db" and twin.at[-1] is not None:
            key_index.tombstone(revision, 1)
            twin.at[-1] = None
    return key_index, twin


def compact(key_index: KeyIndex, at: int) -> list[Place]:
    """Forget what a compaction at `at` supersedes; return where it was."""
    kept_from = key_index.kept_from(Revision(at))
    superseded = [place for place in key_index.places() if (place.main, place.sub) < kept_from]
    if superseded:
        key_index.forget_through((superseded[-1].main, superseded[-1].sub))
    return superseded


def seen(key_index: KeyIndex, at: int) -> Alive | None:
    found = key_index.find(Revision(at))
    return None if found is None else (found.main, found.sub, found.created, found.version)


histories = st.lists(st.sampled_from("pdb."), max_size=25)


@given(histories)
def test_every_revision_is_found_as_it_was(steps: list[str]) -> None:
    key_index, twin = build(steps)
    assert [seen(key_index, at) for at in range(len(twin.at))] == twin.at


@given(histories, st.data())
def test_compaction_changes_nothing_from_its_revision_on(
    steps: list[str], data: st.DataObject
) -> None:
    key_index, twin = build(steps)
    compacted = data.draw(st.integers(0, len(steps)))
    compact(key_index, compacted)
    kept = range(compacted, len(twin.at))
    assert [seen(key_index, at) for at in kept] == [twin.at[at] for at in kept]


@given(histories, st.data())
def test_compaction_keeps_at_most_one_change_up_to_its_revision(
    steps: list[str], data: st.DataObject
) -> None:
    key_index, _ = build(steps)
    before = key_index.places()
    compacted = data.draw(st.integers(0, len(steps)))
    removed = compact(key_index, compacted)
    left = key_index.places()
    assert sum(place.main <= compacted for place in left) <= 1
    assert sorted([*removed, *left], key=lambda place: (place.main, place.sub)) == before


@given(histories, st.data())
def test_compacting_in_two_steps_is_compacting_once(steps: list[str], data: st.DataObject) -> None:
    once, _ = build(steps)
    twice, _ = build(steps)
    last = data.draw(st.integers(0, len(steps)))
    first = data.draw(st.integers(0, last))
    removed_once = compact(once, last)
    removed_twice = compact(twice, first) + compact(twice, last)
    assert (removed_twice, twice) == (removed_once, once)
