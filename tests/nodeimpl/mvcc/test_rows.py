"""Where things lie in the backend."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import Revision
from nodeimpl.mvcc.rows import (
    CHANGES_END,
    CHANGES_START,
    FINISHED_ROW,
    SCHEDULED_ROW,
    CompactionMark,
    Place,
    change_of,
    place_of,
    read_compaction_mark,
    read_finished_revision,
    row_of,
    write_compaction_mark,
    write_finished_revision,
)
from nodeimpl.storage.memory_backend import MemoryBackend

places = st.builds(
    Place,
    main=st.integers(0, 2**63 - 1).map(Revision),
    sub=st.integers(0, 2**63 - 1),
    is_tombstone=st.booleans(),
)


@pytest.mark.parametrize(
    ("place", "row"),
    [
        (Place(Revision(5), 1, is_tombstone=False), "72 0000000000000005 0000000000000001"),
        (Place(Revision(5), 1, is_tombstone=True), "72 0000000000000005 0000000000000001 74"),
        (Place(Revision(256), 0, is_tombstone=False), "72 0000000000000100 0000000000000000"),
    ],
    ids=["put", "tombstone", "two bytes"],
)
def test_a_row_is_revision_and_sub_with_a_mark_for_tombstones(place: Place, row: str) -> None:
    assert row_of(place) == bytes.fromhex(row)


@given(places)
def test_a_row_gives_back_its_place(place: Place) -> None:
    assert place_of(row_of(place)) == place


@given(places)
def test_a_row_names_its_change_be_it_a_put_or_a_tombstone(place: Place) -> None:
    assert change_of(row_of(place)) == (place.main, place.sub)


@given(places, places)
def test_rows_lie_in_the_order_of_the_changes(one: Place, other: Place) -> None:
    places_ordered = (one.main, one.sub, one.is_tombstone) < (
        other.main,
        other.sub,
        other.is_tombstone,
    )
    assert (row_of(one) < row_of(other)) == places_ordered


@given(places)
def test_changes_and_meta_rows_do_not_mix(place: Place) -> None:
    assert CHANGES_START <= row_of(place) < CHANGES_END
    assert not CHANGES_START <= SCHEDULED_ROW < CHANGES_END
    assert not CHANGES_START <= FINISHED_ROW < CHANGES_END


@pytest.mark.parametrize(
    "mark",
    [
        CompactionMark(Revision(0), Revision(1), 0),
        CompactionMark(Revision(7), Revision(2**63 - 1), 2**32 - 1),
    ],
    ids=str,
)
def test_the_compaction_is_remembered(mark: CompactionMark) -> None:
    backend = MemoryBackend()
    write_compaction_mark(backend, mark)
    assert read_compaction_mark(backend) == mark


def test_a_new_backend_remembers_no_compaction() -> None:
    assert read_compaction_mark(MemoryBackend()) is None
    assert read_finished_revision(MemoryBackend()) is None


def test_how_far_removal_has_finished_is_remembered() -> None:
    backend = MemoryBackend()
    write_finished_revision(backend, Revision(7))
    assert read_finished_revision(backend) == 7
