"""At most once, by example and against a twin that forgets nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import RequestId
from nodeimpl.raft.seen_requests import SeenRequests


def test_a_request_is_admitted_once() -> None:
    seen = SeenRequests(4)

    assert [seen.admit(RequestId(7)), seen.admit(RequestId(7))] == [True, False]


def test_a_request_that_was_overtaken_is_admitted() -> None:
    seen = SeenRequests(4)

    assert [seen.admit(RequestId(number)) for number in (3, 1, 2)] == [True, True, True]


def test_a_request_that_was_forgotten_is_not_admitted_again() -> None:
    seen = SeenRequests(2)
    for number in range(1, 20):
        seen.admit(RequestId(number))

    assert not any(seen.admit(RequestId(number)) for number in range(1, 20))


def test_memory_is_bounded() -> None:
    seen = SeenRequests(2)
    for number in range(1000):
        seen.admit(RequestId(number))

    assert len(seen._seen) <= 4


def test_something_must_be_remembered() -> None:
    with pytest.raises(AssertionError):
        SeenRequests(0)


@given(
    remembered_max=st.integers(1, 4),
    request_ids=st.lists(st.integers(0, 20).map(RequestId), max_size=60),
)
def test_nothing_is_admitted_twice_and_the_newest_is_always_admitted(
    remembered_max: int, request_ids: list[RequestId]
) -> None:
    seen = SeenRequests(remembered_max)
    twin: set[RequestId] = set()

    for request_id in request_ids:
        is_newest = request_id > max(twin, default=RequestId(-1))
        admitted = seen.admit(request_id)
        assert not (admitted and request_id in twin)
        assert admitted or not is_newest
        twin.add(request_id)


@given(request_ids=st.lists(st.integers(0, 20).map(RequestId), max_size=8))
def test_within_the_limit_it_is_a_set(request_ids: list[RequestId]) -> None:
    seen = SeenRequests(8)

    admitted = [seen.admit(request_id) for request_id in request_ids]

    first_places = [request_ids.index(request_id) for request_id in request_ids]
    assert admitted == [place == first for place, first in enumerate(first_places)]
