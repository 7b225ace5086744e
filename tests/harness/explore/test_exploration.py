"""The loop: which seeds are tried, what is counted, what is kept, and what losses do to it."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import closing
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.explore.exploration import TRIES_MAX, Bounds, Exploration, Found, Listener
from harness.explore.journal import Journal
from harness.explore.seeds import Outcome, Question, Tried
from harness.plan import Plan

QUESTION = Question(base=Plan())


class LostError(Exception):
    """A worker died."""


class Pretenders:
    """Workers who know every answer at once, and die when they are told to."""

    losses: tuple[type[Exception], ...] = (LostError,)

    def __init__(self, answer: Callable[[int], Tried | Exception]) -> None:
        self.asked: list[int] = []
        self._answer = answer

    def count(self) -> int:
        return 2

    def submit(self, seed: int, question: Question) -> Future[Tried]:
        assert question == QUESTION
        self.asked.append(seed)
        future: Future[Tried] = Future()
        answer = self._answer(seed)
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    def close(self) -> None:
        """Nothing to let go of."""


def valid(seed: int) -> Tried:
    return Tried(seed=seed, outcome=Outcome.VALID, states=("L00", f"F0{seed}"))


def convicted(seed: int, kind: str = "raft: Log Matching") -> Tried:
    return Tried(seed=seed, outcome=Outcome.INVALID, kinds=(kind,), reason="because")


def explored(
    folder: Path,
    workers: Pretenders,
    bounds: Bounds,
    *,
    clock: Callable[[], float] = lambda: 0.0,
    kept: list[int] | None = None,
) -> Found:
    def keep(seed: int) -> str:
        (kept if kept is not None else []).append(seed)
        return f"run-{seed}"

    listener = Listener(clock=clock, tried=lambda _tried, _found: None, keep=keep)
    with closing(Journal(folder / "journal.jsonl", QUESTION)) as journal:
        return Exploration(QUESTION, workers, journal, listener).run(bounds)


def test_every_seed_is_tried_once_and_counted(tmp_path: Path) -> None:
    workers = Pretenders(valid)
    found = explored(tmp_path, workers, Bounds(first_seed=5, seeds=7))
    assert workers.asked == [5, 6, 7, 8, 9, 10, 11]
    assert (found.seeds, found.worst()) == (7, Outcome.VALID)


def test_a_state_is_new_once(tmp_path: Path) -> None:
    found = explored(tmp_path, Pretenders(valid), Bounds(seeds=3))
    assert found.new_states == [2, 1, 1]
    assert list(found.states) == ["L00", "F01", "F02", "F03"]


def test_a_second_session_goes_on_where_the_first_was(tmp_path: Path) -> None:
    explored(tmp_path, Pretenders(valid), Bounds(seeds=3))
    workers = Pretenders(valid)
    found = explored(tmp_path, workers, Bounds(seeds=5))
    assert workers.asked == [4, 5]
    assert (found.seeds, len(found.states)) == (5, 6)


def test_one_run_of_each_kind_is_kept_across_sessions(tmp_path: Path) -> None:
    kept: list[int] = []
    by_parity = Pretenders(lambda seed: convicted(seed, "even" if seed % 2 == 0 else "odd"))
    explored(tmp_path, by_parity, Bounds(seeds=4), kept=kept)
    found = explored(tmp_path, by_parity, Bounds(seeds=6), kept=kept)
    assert kept == [1, 2]
    assert found.kept == {"odd": "run-1", "even": "run-2"}
    assert found.seeds_by_kind == {"odd": [1, 3, 5], "even": [2, 4, 6]}


def test_it_stops_at_the_first_conviction_if_asked(tmp_path: Path) -> None:
    workers = Pretenders(lambda seed: convicted(seed) if seed == 3 else valid(seed))
    found = explored(tmp_path, workers, Bounds(stop_at_first=True))
    assert found.worst() is Outcome.INVALID
    assert max(workers.asked) < 10


def test_no_seed_is_begun_after_the_time_is_up(tmp_path: Path) -> None:
    moments: Iterator[float] = iter([0.0, 1.0, 2.0, 9.0, 99.0, 99.0, 99.0])
    workers = Pretenders(valid)
    found = explored(tmp_path, workers, Bounds(time_s=10.0), clock=lambda: next(moments))
    assert found.seeds == len(workers.asked) == 12


def test_what_was_lost_with_a_worker_is_tried_again(tmp_path: Path) -> None:
    deaths = {2: 1}

    def answer(seed: int) -> Tried | Exception:
        if deaths.get(seed, 0):
            deaths[seed] -= 1
            return LostError("killed")
        return valid(seed)

    workers = Pretenders(answer)
    found = explored(tmp_path, workers, Bounds(seeds=4))
    assert workers.asked.count(2) == 2
    assert found.outcomes[Outcome.VALID] == 4


def test_a_seed_that_kills_worker_after_worker_is_a_failure_of_the_harness(tmp_path: Path) -> None:
    kept: list[int] = []
    workers = Pretenders(lambda seed: LostError("killed") if seed == 2 else valid(seed))
    found = explored(tmp_path, workers, Bounds(seeds=3), kept=kept)
    assert workers.asked.count(2) == TRIES_MAX
    assert (found.worst(), found.seeds_by_kind) == (
        Outcome.HARNESS,
        {"harness: workers died": [2]},
    )
    assert kept == []


def test_workers_that_are_all_gone_end_it(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="workers are gone"):
        explored(tmp_path, Pretenders(lambda _: CancelledError()), Bounds(seeds=3))


def test_a_bug_of_ours_ends_it_and_names_the_seed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError) as raised:
        explored(tmp_path, Pretenders(lambda _: AssertionError("ours")), Bounds(seeds=3))
    assert "seed 1" in raised.value.__notes__[0]


def test_a_conviction_is_worse_than_a_failure_of_the_harness_and_that_than_unknown() -> None:
    found = Found()
    assert found.worst() is Outcome.HARNESS
    for outcome in (Outcome.VALID, Outcome.UNKNOWN, Outcome.HARNESS, Outcome.INVALID):
        found.add(Tried(seed=1, outcome=outcome))
        assert found.worst() is outcome
