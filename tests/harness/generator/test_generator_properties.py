"""Laws of generators, on random compositions of them."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from checkers.history import History, Op, OpType
from harness.generator.bounds import Limit, TimeLimit
from harness.generator.generator import Context, Generator, Invocation, Next, Pending, soonest
from harness.generator.keys import Independent
from harness.generator.order import Mix, Series, Synchronize
from harness.generator.pace import Gaps, Stagger
from harness.generator.sources import Endless, Once, always
from harness.generator.threads import EachProcess, Reserve
from harness.rehearsal import Pretender, imperfect, perfect, rehearse
from nodeimpl.ids import Instant

PRETENDERS = st.sampled_from([perfect, imperfect])


def draw(context: Context) -> Invocation:
    """Return an operation that shows what was drawn for it."""
    return Invocation("write", value=context.random.getrandbits(32))


def composed(inner: st.SearchStrategy[Generator]) -> st.SearchStrategy[Generator]:
    """Return combinations of generators that end."""
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        several.map(Mix),
        several.map(Series),
        inner.map(Synchronize),
        inner.map(EachProcess).map(lambda each: Limit(20, each)),
        st.builds(Stagger, st.integers(1, 10**8), inner, st.sampled_from(Gaps)),
        st.builds(TimeLimit, st.integers(0, 10**8), inner),
        st.builds(
            lambda count, each: Limit(20, Independent(count, "r{}".format, lambda _: each)),
            st.integers(1, 4),
            inner,
        ),
    )


INNER = st.recursive(
    st.integers(0, 12).map(lambda count: Limit(count, Endless(draw)))
    | st.just(Once(Invocation("read"))),
    composed,
    max_leaves=5,
)
ENDING = INNER | st.builds(lambda first, rest: Reserve(((1, first),), rest), INNER, INNER)


def invokes(ops: list[Op]) -> list[Op]:
    """Return what was asked."""
    return [op for op in ops if op.type is OpType.INVOKE]


@given(ENDING, PRETENDERS, st.integers(2, 5))
def test_what_comes_of_any_generator_is_a_history(
    generator: Generator, pretend: Pretender, concurrency: int
) -> None:
    """`History` itself demands one open operation a process, and none after a crash."""
    History(rehearse(generator, pretend, concurrency=concurrency))


@given(ENDING, PRETENDERS, st.integers(0, 3))
def test_equal_seeds_give_equal_histories(
    generator: Generator, pretend: Pretender, seed: int
) -> None:
    first = rehearse(generator, pretend, seed=seed)
    second = rehearse(generator, pretend, seed=seed)

    assert first == second


@given(ENDING, PRETENDERS, st.integers(0, 30))
def test_limit_is_never_exceeded(generator: Generator, pretend: Pretender, count: int) -> None:
    assert len(invokes(rehearse(Limit(count, generator), pretend))) <= count


@given(ENDING, PRETENDERS, st.integers(0, 10**8))
def test_nothing_starts_after_a_time_limit(
    generator: Generator, pretend: Pretender, duration_ns: int
) -> None:
    ops = rehearse(TimeLimit(duration_ns, generator), pretend)

    assert all(op.time < duration_ns for op in invokes(ops))


@given(st.lists(st.integers(0, 20), min_size=1, max_size=5))
def test_a_mix_uses_all_of_everything(counts: list[int]) -> None:
    limited = [Limit(count, always(Invocation(f"f{place}"))) for place, count in enumerate(counts)]

    asked = [op.f for op in invokes(rehearse(Mix(tuple(limited))))]

    assert [asked.count(f"f{place}") for place in range(len(counts))] == counts


@given(ENDING, ENDING)
def test_a_synchronized_generator_starts_when_nothing_is_open(
    first: Generator, second: Generator
) -> None:
    ops = rehearse(Series((first, Synchronize(Series((Once(Invocation("cut")), second))))))

    before = ops[: [op.f for op in ops].index("cut")]
    assert len(invokes(before)) * 2 == len(before)


class Restless(msgspec.Struct, frozen=True):
    """`generator`, asked at these times as well."""

    generator: Generator
    wakes: tuple[int, ...]

    def next(self, context: Context) -> Next:
        """Return what it answers, and wait for the next wake at most."""
        answer, asked = self.generator.next(context)
        wakes = tuple(wake for wake in self.wakes if wake > context.now)
        if isinstance(answer, Pending) and wakes:
            answer = Pending(soonest(answer.until, Instant(wakes[0])))
        return Next(answer, Restless(asked, wakes))

    def update(self, context: Context, op: Op) -> Generator:
        """Tell it."""
        return Restless(self.generator.update(context, op), self.wakes)


UNTIMED = st.recursive(
    st.integers(0, 12).map(lambda count: Limit(count, Endless(draw))),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(Mix),
        st.lists(inner, min_size=1, max_size=3).map(tuple).map(Series),
        st.builds(Stagger, st.integers(1, 10**8), inner, st.sampled_from(Gaps)),
    ),
    max_leaves=5,
)


@given(UNTIMED, st.lists(st.integers(1, 10**8), max_size=30).map(sorted))
def test_being_asked_more_often_draws_no_more(generator: Generator, wakes: list[int]) -> None:
    plain = rehearse(generator, concurrency=1)
    polled = rehearse(Restless(generator, tuple(wakes)), concurrency=1)

    assert [op.value for op in plain] == [op.value for op in polled]
