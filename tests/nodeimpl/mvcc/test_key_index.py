"""The generations of one key, with the examples of etcd's mvcc/key_index.go."""

import pytest

from nodeimpl.ids import Revision
from nodeimpl.mvcc.key_index import Found, KeyIndex
from nodeimpl.mvcc.rows import Place


def put_put_delete_put_delete() -> KeyIndex:
    """Put 1, put 2, delete 3, put 4, delete 5: {1, 2, 3(t)} {4, 5(t)} {}."""
    key_index = KeyIndex()
    key_index.put(Revision(1), 0)
    key_index.put(Revision(2), 0)
    key_index.tombstone(Revision(3), 0)
    key_index.put(Revision(4), 0)
    key_index.tombstone(Revision(5), 0)
    return key_index


def mains(key_index: KeyIndex) -> list[list[int]]:
    return [list(generation.mains) for generation in key_index.generations]


def compact(key_index: KeyIndex, at: int) -> list[Place]:
    """Forget what a compaction at `at` supersedes; return where it was."""
    kept_from = key_index.kept_from(Revision(at))
    superseded = [place for place in key_index.places() if (place.main, place.sub) < kept_from]
    if superseded:
        key_index.forget_through((superseded[-1].main, superseded[-1].sub))
    return superseded


def found(main: int, created: int, version: int) -> Found:
    return Found(Revision(main), 0, Revision(created), version)


def puts(*revisions: int) -> list[Place]:
    return [Place(Revision(main), 0, is_tombstone=False) for main in revisions]


def tombstone(main: int) -> Place:
    return Place(Revision(main), 0, is_tombstone=True)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (0, None),
        (1, found(1, created=1, version=1)),
        (2, found(2, created=1, version=2)),
        (3, None),
        (4, found(4, created=4, version=1)),
        (5, None),
        (9, None),
    ],
)
def test_a_key_is_found_as_it_was_at_a_revision(at: int, expected: Found | None) -> None:
    assert put_put_delete_put_delete().find(Revision(at)) == expected


def test_a_delete_ends_a_generation_and_the_next_put_begins_another() -> None:
    assert mains(put_put_delete_put_delete()) == [[1, 2, 3], [4, 5], []]


def test_a_delete_in_the_revision_of_the_put_leaves_nothing_to_find() -> None:
    key_index = KeyIndex()
    key_index.put(Revision(7), 0)
    key_index.tombstone(Revision(7), 1)
    assert key_index.find(Revision(7)) is None


def test_the_last_change_of_a_revision_holds() -> None:
    key_index = KeyIndex()
    key_index.put(Revision(7), 0)
    key_index.put(Revision(7), 1)
    assert key_index.find(Revision(7)) == Found(Revision(7), 1, Revision(7), 2)


@pytest.mark.parametrize(
    ("at", "removed", "left"),
    [
        (1, [], [[1, 2, 3], [4, 5], []]),
        (2, puts(1), [[2, 3], [4, 5], []]),
        (3, puts(1, 2), [[3], [4, 5], []]),
        (4, [*puts(1, 2), tombstone(3)], [[4, 5], []]),
        (5, [*puts(1, 2), tombstone(3), *puts(4)], [[5], []]),
        (6, [*puts(1, 2), tombstone(3), *puts(4), tombstone(5)], [[]]),
    ],
)
def test_compaction_forgets_what_was_superseded(
    at: int, removed: list[Place], left: list[list[int]]
) -> None:
    key_index = put_put_delete_put_delete()
    assert compact(key_index, at) == removed
    assert mains(key_index) == left


def test_nothing_is_left_of_a_key_whose_last_tombstone_is_compacted() -> None:
    key_index = put_put_delete_put_delete()
    compact(key_index, 6)
    assert key_index.is_empty


def test_versions_outlive_the_compaction_of_earlier_ones() -> None:
    key_index = KeyIndex()
    key_index.put(Revision(2), 0)
    key_index.put(Revision(3), 0)
    key_index.put(Revision(4), 0)
    compact(key_index, 3)
    assert key_index.find(Revision(3)) == found(3, created=2, version=2)
    assert key_index.find(Revision(4)) == found(4, created=2, version=3)


def test_a_restored_key_continues_its_version() -> None:
    key_index = KeyIndex()
    key_index.restore(puts(8)[0], created=Revision(3), version=5)
    key_index.put(Revision(9), 0)
    assert key_index.find(Revision(9)) == found(9, created=3, version=6)


def test_a_key_restored_from_its_tombstone_does_not_exist() -> None:
    key_index = KeyIndex()
    key_index.restore(tombstone(8), created=Revision(0), version=0)
    assert key_index.find(Revision(8)) is None
    assert mains(key_index) == [[8], []]


def test_a_change_must_be_later_than_those_before_it() -> None:
    key_index = KeyIndex()
    key_index.put(Revision(5), 1)
    with pytest.raises(AssertionError, match=r"change 5\.1 after 5\.1"):
        key_index.put(Revision(5), 1)


def test_what_does_not_exist_gets_no_tombstone() -> None:
    with pytest.raises(AssertionError, match="does not exist"):
        put_put_delete_put_delete().tombstone(Revision(6), 0)
