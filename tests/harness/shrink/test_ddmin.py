"""Delta debugging: what is left fails, and nothing of it can be left out."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from harness.shrink.ddmin import ddmin


def needs(*needed: int) -> "Counting":
    return Counting(frozenset(needed))


class Counting:
    """Fails if all that is needed is there; counts how often it was asked."""

    def __init__(self, needed: frozenset[int]) -> None:
        self._needed = needed
        self.asked: list[tuple[int, ...]] = []

    def __call__(self, items: Sequence[int]) -> bool:
        self.asked.append(tuple(items))
        return self._needed <= set(items)


def test_what_is_needed_is_left_in_its_order() -> None:
    assert ddmin(range(100), needs(97, 3, 41)) == (3, 41, 97)


def test_nothing_is_tried_first_and_is_left_if_nothing_is_needed() -> None:
    fails = needs()
    assert ddmin(range(100), fails) == ()
    assert fails.asked == [()]
    assert ddmin([], needs()) == ()


def test_few_of_many_take_few_attempts() -> None:
    fails = needs(200)
    assert ddmin(range(256), fails) == (200,)
    assert len(fails.asked) <= 2 * 9


def test_all_is_left_if_all_is_needed() -> None:
    assert ddmin(range(8), needs(*range(8))) == tuple(range(8))


def test_what_became_needless_only_when_something_else_went_goes_as_well() -> None:
    """3 is needed as long as 5 is there: one sweep is not enough."""

    def fails(items: Sequence[int]) -> bool:
        return 1 in items and (3 in items or 5 not in items)

    assert ddmin(range(8), fails) == (1,)


@given(
    items=st.lists(st.integers(0, 50), unique=True, max_size=30),
    groups=st.lists(st.frozensets(st.integers(0, 50), max_size=4), min_size=1, max_size=3),
)
def test_the_result_fails_and_is_minimal(items: list[int], groups: list[frozenset[int]]) -> None:
    """Failing by any of several sets of causes, of which some may not be there."""

    def fails(part: Sequence[int]) -> bool:
        return any(group <= set(part) for group in groups) or list(part) == items

    left = ddmin(items, fails)
    assert fails(left) or not items
    for place in range(len(left)):
        assert not fails(left[:place] + left[place + 1 :]) or len(left) == 1
