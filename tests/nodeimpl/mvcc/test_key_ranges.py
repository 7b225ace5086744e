"""Which keys a request means, and sets of keys against a plain set over a small world of keys."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.mvcc.key_ranges import KeyRange, KeySet, key_range

LETTERS = b"abcdef"
WORLD = [bytes([one]) for one in LETTERS] + [bytes([one, two]) for one in LETTERS for two in b"\0z"]

ranges = st.builds(KeyRange, start=st.sampled_from(WORLD), end=st.none() | st.sampled_from(WORLD))


def members(keys: KeyRange) -> set[bytes]:
    return {key for key in WORLD if keys.start <= key and (keys.end is None or key < keys.end)}


def set_of(added: list[KeyRange]) -> KeySet:
    keys = KeySet()
    for one in added:
        keys.add(one)
    return keys


@pytest.mark.parametrize(
    ("range_end", "expected"),
    [
        (b"", KeyRange(b"b", b"b\0")),
        (b"\0", KeyRange(b"b", None)),
        (b"c", KeyRange(b"b", b"c")),
        (b"\0\0", KeyRange(b"b", b"\0\0")),
    ],
)
def test_a_range_end_means_what_etcd_says(range_end: bytes, expected: KeyRange) -> None:
    assert key_range(b"b", range_end) == expected


@pytest.mark.parametrize(
    ("keys", "is_empty"),
    [
        (KeyRange(b"b", b"b\0"), False),
        (KeyRange(b"b", b"b"), True),
        (KeyRange(b"b", b"a"), True),
        (KeyRange(b"b", None), False),
    ],
)
def test_a_range_is_empty_if_it_ends_where_it_starts(keys: KeyRange, *, is_empty: bool) -> None:
    assert keys.is_empty is is_empty


@given(st.lists(ranges, max_size=8))
def test_a_set_holds_what_was_added(added: list[KeyRange]) -> None:
    keys = set_of(added)
    assert {key for key in WORLD if key in keys} == set().union(*map(members, added))


@given(st.lists(ranges, max_size=8))
def test_a_set_keeps_apart_ranges_in_order(added: list[KeyRange]) -> None:
    kept = set_of(added).ranges()
    assert not any(keys.is_empty for keys in kept)
    assert all(one.end is not None and one.end < other.start for one, other in pairwise(kept))


@given(st.lists(ranges, max_size=5), st.lists(ranges, max_size=5))
def test_the_union_of_two_sets_holds_both(one: list[KeyRange], other: list[KeyRange]) -> None:
    keys = set_of(one)
    keys.update(set_of(other))
    assert keys == set_of(one + other)
