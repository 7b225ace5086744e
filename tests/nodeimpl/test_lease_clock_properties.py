"""The clock of leases against one that looks at every lease."""

from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.ids import Instant, LeaseId
from nodeimpl.lease_clock import LeaseClock

LEASES = st.integers(1, 4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), LEASES, st.integers(0, 30)),
        st.tuples(st.just("drop"), LEASES, st.just(0)),
        st.tuples(st.just("due"), st.just(0), st.integers(0, 30)),
    ),
    max_size=40,
)


@given(STEPS)
def test_it_says_what_a_slow_one_says(steps: list[tuple[str, int, int]]) -> None:
    clock = LeaseClock()
    waiting: dict[int, int] = {}
    now = 0
    for step, lease, at in steps:
        if step == "set":
            clock.set(LeaseId(lease), Instant(at))
            waiting[lease] = at
        elif step == "drop":
            clock.drop(LeaseId(lease))
            waiting.pop(lease, None)
        else:
            now = max(now, at)
            due = sorted(each for each, instant in waiting.items() if instant <= now)
            assert sorted(clock.due(Instant(now))) == due
            for each in due:
                del waiting[each]
        if waiting:
            assert clock.next_look is not None
            assert clock.next_look <= min(waiting.values())
