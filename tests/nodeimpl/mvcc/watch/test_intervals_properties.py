"""The tree of ranges against a list of them; and that it stays flat."""

import math

from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.mvcc.key_ranges import KeyRange
from nodeimpl.mvcc.watch.intervals import IntervalMap

KEYS = st.binary(max_size=2).map(lambda key: bytes(byte % 4 for byte in key))
RANGES = st.builds(KeyRange, KEYS, st.none() | KEYS).filter(lambda keys: not keys.is_empty)
STEPS = st.lists(st.tuples(st.booleans(), RANGES, st.integers(0, 2)), max_size=60)


def holds(keys: KeyRange, key: bytes) -> bool:
    return keys.start <= key and (keys.end is None or key < keys.end)


@given(STEPS, st.lists(KEYS, min_size=1, max_size=5))
def test_it_finds_what_a_list_of_ranges_finds(
    steps: list[tuple[bool, KeyRange, int]], keys: list[bytes]
) -> None:
    tree: IntervalMap[int] = IntervalMap()
    listed: dict[tuple[KeyRange, int], None] = {}
    for is_added, key_range, item in steps:
        if is_added:
            tree.add(key_range, item)
            listed[key_range, item] = None
        elif (key_range, item) in listed:
            tree.remove(key_range, item)
            del listed[key_range, item]
    assert bool(tree) == bool(listed)
    for key in keys:
        expected = sorted(item for key_range, item in listed if holds(key_range, key))
        assert sorted(tree.holding(key)) == expected


@given(st.lists(RANGES, max_size=100))
def test_its_height_is_logarithmic_whatever_is_added_and_removed(
    ranges: list[KeyRange],
) -> None:
    tree: IntervalMap[int] = IntervalMap()
    distinct = list(dict.fromkeys(ranges))
    for key_range in distinct:
        tree.add(key_range, 0)
    for key_range in distinct[::3]:
        tree.remove(key_range, 0)
    left = len(distinct) - len(distinct[::3])
    assert tree.height <= 1.45 * math.log2(left + 2)


def test_ranges_in_order_do_not_unbalance_it() -> None:
    tree: IntervalMap[int] = IntervalMap()
    for number in range(4096):
        tree.add(KeyRange(number.to_bytes(2, "big"), None), number)
    assert tree.height <= 17
    assert list(tree.holding((9).to_bytes(2, "big"))) == list(range(10))


def test_what_shares_a_range_is_found_together_and_removed_apart() -> None:
    tree: IntervalMap[str] = IntervalMap()
    keys = KeyRange(b"a", b"c")
    tree.add(keys, "one")
    tree.add(keys, "other")
    assert list(tree.holding(b"b")) == ["one", "other"]
    tree.remove(keys, "one")
    assert list(tree.holding(b"b")) == ["other"]
