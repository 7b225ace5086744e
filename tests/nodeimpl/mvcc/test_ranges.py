"""Every option of a RangeRequest (etcd, learning/api: range)."""

import pytest

from nodeimpl.api.errors import FUTURE_REVISION
from nodeimpl.api.rpc_pb2 import DeleteRangeRequest, PutRequest, RangeRequest, RangeResponse
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend

DESCEND, ASCEND, NONE = RangeRequest.DESCEND, RangeRequest.ASCEND, RangeRequest.NONE


@pytest.fixture
def store() -> Store:
    """Keys a, ab, b, c, d; made at 3, 2, 4, 5, 7; c changed at 6; b deleted at 8.

    key   create  mod  version  value
    a     3       3    1        4
    ab    2       2    1        5
    c     5       6    2        1
    d     7       7    1        3
    """
    store = Store(MemoryBackend(), StoreConfig())
    store.apply(PutRequest(key=b"ab", value=b"5"))
    store.apply(PutRequest(key=b"a", value=b"4"))
    store.apply(PutRequest(key=b"b", value=b"9"))
    store.apply(PutRequest(key=b"c", value=b"2"))
    store.apply(PutRequest(key=b"c", value=b"1"))
    store.apply(PutRequest(key=b"d", value=b"3"))
    store.apply(DeleteRangeRequest(key=b"b"))
    return store


def read(store: Store, request: RangeRequest) -> RangeResponse:
    response = store.read(request)
    assert isinstance(response, RangeResponse)
    return response


def keys(response: RangeResponse) -> list[bytes]:
    return [kv.key for kv in response.kvs]


def everything(**options: int) -> RangeRequest:
    request = RangeRequest(key=b"\0", range_end=b"\0")
    for option, value in options.items():
        setattr(request, option, value)
    return request


@pytest.mark.parametrize(
    ("key", "range_end", "expected"),
    [
        (b"a", b"", [b"a"]),
        (b"b", b"", []),
        (b"a", b"b", [b"a", b"ab"]),  # The prefix a.
        (b"a", b"c", [b"a", b"ab"]),  # The end is not in the range.
        (b"ab", b"\0", [b"ab", b"c", b"d"]),  # From the key on.
        (b"\0", b"\0", [b"a", b"ab", b"c", b"d"]),
        (b"c", b"a", []),
        (b"c", b"c", []),
    ],
)
def test_a_range_holds_its_keys_in_order(
    store: Store, key: bytes, range_end: bytes, expected: list[bytes]
) -> None:
    response = read(store, RangeRequest(key=key, range_end=range_end))
    assert (keys(response), response.count) == (expected, len(expected))


def test_the_header_bears_the_present_revision_even_for_an_old_read(store: Store) -> None:
    assert read(store, everything(revision=2)).header.revision == 8


@pytest.mark.parametrize(
    ("revision", "expected"),
    [
        (1, []),
        (2, [b"ab"]),
        (4, [b"a", b"ab", b"b"]),
        (7, [b"a", b"ab", b"b", b"c", b"d"]),
        (8, [b"a", b"ab", b"c", b"d"]),
        (0, [b"a", b"ab", b"c", b"d"]),
        (-5, [b"a", b"ab", b"c", b"d"]),
    ],
)
def test_the_past_is_read_as_it_was(store: Store, revision: int, expected: list[bytes]) -> None:
    assert keys(read(store, everything(revision=revision))) == expected


def test_an_old_value_is_read_at_its_revision(store: Store) -> None:
    response = read(store, RangeRequest(key=b"c", revision=5))
    assert [(kv.value, kv.version, kv.mod_revision) for kv in response.kvs] == [(b"2", 1, 5)]


def test_the_future_cannot_be_read(store: Store) -> None:
    assert store.read(everything(revision=9)) == FUTURE_REVISION


@pytest.mark.parametrize(
    ("limit", "expected", "more"),
    [
        (0, [b"a", b"ab", b"c", b"d"], False),
        (-1, [b"a", b"ab", b"c", b"d"], False),
        (3, [b"a", b"ab", b"c"], True),
        (4, [b"a", b"ab", b"c", b"d"], False),
    ],
)
def test_a_limit_says_whether_there_is_more_and_counts_all(
    store: Store, limit: int, expected: list[bytes], *, more: bool
) -> None:
    response = read(store, everything(limit=limit))
    assert (keys(response), response.more, response.count) == (expected, more, 4)


@pytest.mark.parametrize(
    ("target", "order", "expected"),
    [
        (RangeRequest.KEY, NONE, [b"a", b"ab", b"c", b"d"]),
        (RangeRequest.KEY, ASCEND, [b"a", b"ab", b"c", b"d"]),
        (RangeRequest.KEY, DESCEND, [b"d", b"c", b"ab", b"a"]),
        (RangeRequest.VERSION, DESCEND, [b"c", b"a", b"ab", b"d"]),
        (RangeRequest.CREATE, ASCEND, [b"ab", b"a", b"c", b"d"]),
        (RangeRequest.MOD, DESCEND, [b"d", b"c", b"a", b"ab"]),
        (RangeRequest.VALUE, ASCEND, [b"c", b"d", b"a", b"ab"]),
        (RangeRequest.VALUE, NONE, [b"c", b"d", b"a", b"ab"]),  # No order means ascending.
    ],
)
def test_keys_are_sorted_by_the_target(
    store: Store,
    target: RangeRequest.SortTarget,
    order: RangeRequest.SortOrder,
    expected: list[bytes],
) -> None:
    assert keys(read(store, everything(sort_target=target, sort_order=order))) == expected


def test_sorting_comes_before_the_limit(store: Store) -> None:
    response = read(store, everything(sort_target=RangeRequest.VALUE, sort_order=ASCEND, limit=1))
    assert (keys(response), response.more) == ([b"c"], True)


def test_without_an_order_only_the_first_keys_are_sorted(store: Store) -> None:
    # txn.go, executeRange: only a sort order makes etcd fetch more than limit + 1 keys.
    response = read(store, everything(sort_target=RangeRequest.VALUE, limit=1))
    assert (keys(response), response.more) == ([b"a"], True)


@pytest.mark.parametrize(
    ("option", "bound", "expected"),
    [
        ("min_mod_revision", 6, [b"c", b"d"]),
        ("max_mod_revision", 3, [b"a", b"ab"]),
        ("min_create_revision", 5, [b"c", b"d"]),
        ("max_create_revision", 5, [b"a", b"ab", b"c"]),
    ],
)
def test_bounds_are_inclusive_and_do_not_change_the_count(
    store: Store, option: str, bound: int, expected: list[bytes]
) -> None:
    response = read(store, everything(**{option: bound}))
    assert (keys(response), response.count) == (expected, 4)


def test_bounds_come_before_the_limit(store: Store) -> None:
    response = read(store, everything(min_mod_revision=6, limit=1))
    assert (keys(response), response.more) == ([b"c"], True)


def test_bounds_hold_for_a_single_key_too(store: Store) -> None:
    response = read(store, RangeRequest(key=b"a", min_mod_revision=4))
    assert (keys(response), response.count) == ([], 1)


def test_keys_only_leaves_the_values_out(store: Store) -> None:
    response = read(store, everything(keys_only=True, sort_target=RangeRequest.VALUE))
    assert [(kv.key, kv.value) for kv in response.kvs] == [
        (b"c", b""),
        (b"d", b""),
        (b"a", b""),
        (b"ab", b""),
    ]


def test_keys_only_leaves_the_value_of_a_single_key_out(store: Store) -> None:
    response = read(store, RangeRequest(key=b"c", keys_only=True))
    assert [(kv.value, kv.version) for kv in response.kvs] == [(b"", 2)]


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        (everything(count_only=True, limit=1), 4),
        (RangeRequest(key=b"c", count_only=True), 1),
        (RangeRequest(key=b"b", count_only=True), 0),
    ],
    ids=["a range", "a key", "a deleted key"],
)
def test_count_only_returns_no_keys(store: Store, request_: RangeRequest, count: int) -> None:
    response = read(store, request_)
    assert (keys(response), response.count, response.more) == ([], count, False)
