"""An exploration: seed after seed to the workers, what comes of it into the journal.

Seeds are handed out in order and come back in any. What counts (which seed has which outcome, of
which kind) does not depend on who tried it, nor on when; which states are called new does.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from harness.errors import HarnessError
from harness.explore.journal import Journal, Kept
from harness.explore.seeds import Outcome, Question, Tried
from harness.explore.workers import Workers

LOOK_S: Final = 0.5
"""From one look at the clock to the next, when nothing comes back."""

TRIES_MAX: Final = 3
"""Workers that may die over one seed before it is blamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long to go on."""

    first_seed: int = 1
    seeds: int | None = None
    """How many seeds; None: as long as there is time."""
    time_s: float | None = None
    """So long; None: until all seeds have been tried. What has begun then is waited for."""
    stop_at_first: bool = False
    """Hand out no further seed once one is INVALID."""


@dataclass(slots=True)
class Found:
    """What has been found so far."""

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    seeds_by_kind: dict[str, list[int]] = field(default_factory=dict)
    """By the first kind of each seed that is INVALID or a failure of the harness."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Of the first seed of each kind."""
    unknown: dict[int, str] = field(default_factory=dict)
    """Why nothing can be said of a seed, by seed."""
    states: dict[str, None] = field(default_factory=dict)
    new_states: list[int] = field(default_factory=list)
    """How many of them each seed brought, in the order in which seeds came back."""
    reruns: int = 0
    cpu_seconds: float = 0.0
    kept: dict[str, str] = field(default_factory=dict)
    """Run directories by kind."""

    @property
    def seeds(self) -> int:
        """How many were tried."""
        return sum(self.outcomes.values())

    def worst(self) -> Outcome:
        """Return the worst outcome; HARNESS if nothing was tried."""
        return max(
            (outcome for outcome, count in self.outcomes.items() if count),
            key=list(Outcome).index,
            default=Outcome.HARNESS,
        )

    def add(self, tried: Tried) -> tuple[str, ...]:
        """Count a seed in; return the states that it was the first to reach."""
        new = tuple(state for state in tried.states if state not in self.states)
        self.states.update(dict.fromkeys(new))
        self.new_states.append(len(new))
        self.outcomes[tried.outcome] += 1
        self.reruns += tried.was_rerun
        self.cpu_seconds += tried.cpu_seconds
        if tried.kinds:
            kind = tried.kinds[0]
            self.seeds_by_kind.setdefault(kind, []).append(tried.seed)
            self.reasons.setdefault(kind, tried.reason)
        elif tried.outcome is Outcome.UNKNOWN:
            self.unknown[tried.seed] = tried.reason
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Who is told how it goes, and does what an exploration leaves to others."""

    clock: Callable[[], float]
    """Seconds, from anywhere."""
    tried: Callable[[Tried, Found], None]
    """Is told of every seed, after it was counted in."""
    keep: Callable[[int], str]
    """Runs a seed that failed once more and returns the directory of that run."""


class Exploration:
    """One session of an exploration; `run` it once."""

    def __init__(
        self, question: Question, workers: Workers, journal: Journal, listener: Listener
    ) -> None:
        """Take over what the journal has from earlier sessions."""
        self._question = question
        self._workers = workers
        self._journal = journal
        self._listener = listener
        self._pending: dict[Future[Tried], int] = {}
        self._lost: list[int] = []
        """Seeds whose worker died, to be handed out again."""
        self._tries: dict[int, int] = {}
        self._done: dict[int, None] = {}
        self.found = Found()
        for trial in journal.trials:
            self.found.add(trial.tried)
            self._done[trial.tried.seed] = None
        for kept in journal.kept:
            self.found.kept[kept.kind] = kept.run

    def run(self, bounds: Bounds) -> Found:
        """Explore within `bounds`, earlier sessions counted in, and return what was found.

        Raises what a worker raised that is neither a failure of the harness nor the loss of the
        worker: a bug of ours, or what was asked wrongly.
        """
        deadline = None if bounds.time_s is None else self._listener.clock() + bounds.time_s
        seeds = self._seeds(bounds)
        while True:
            if not self._is_over(bounds, deadline):
                self._hand_out(seeds)
            if not self._pending:
                break
            finished, _ = wait(self._pending, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in [each for each in self._pending if each in finished]:
                self._take(future, self._pending.pop(future))
        self._keep_what_is_new()
        return self.found

    def _seeds(self, bounds: Bounds) -> Iterator[int]:
        """Yield the seeds that nobody has tried yet."""
        seed = bounds.first_seed
        while bounds.seeds is None or seed < bounds.first_seed + bounds.seeds:
            if seed not in self._done:
                yield seed
            seed += 1

    def _is_over(self, bounds: Bounds, deadline: float | None) -> bool:
        if bounds.stop_at_first and self.found.outcomes[Outcome.INVALID]:
            return True
        return deadline is not None and self._listener.clock() >= deadline

    def _hand_out(self, seeds: Iterator[int]) -> None:
        """Give every worker one seed to try and one to go on with."""
        while len(self._pending) < 2 * self._workers.count():
            seed = self._lost.pop(0) if self._lost else next(seeds, None)
            if seed is None:
                return
            self._tries[seed] = self._tries.get(seed, 0) + 1
            self._pending[self._workers.submit(seed, self._question)] = seed

    def _take(self, future: Future[Tried], seed: int) -> None:
        try:
            tried = future.result()
        except self._workers.losses as error:
            if self._tries[seed] < TRIES_MAX:
                self._lost.append(seed)
                return
            tried = Tried(
                seed=seed,
                outcome=Outcome.HARNESS,
                kinds=("harness: workers died",),
                reason=f"{TRIES_MAX} workers died over this seed, or with it: {error}",
            )
        except CancelledError as error:
            raise HarnessError(
                f"the workers are gone; what they had come to is in {self._journal.path}"
            ) from error
        except Exception as error:
            error.add_note(f"raised by seed {seed}; all seeds before are in {self._journal.path}")
            raise
        self._tries.pop(seed)
        new = self.found.add(tried)
        self._journal.add(replace(tried, states=new))
        self._listener.tried(tried, self.found)
        self._keep_what_is_new()

    def _keep_what_is_new(self) -> None:
        """Keep a run of every kind that has none; what a dead worker did cannot be repeated."""
        for kind, seeds in self.found.seeds_by_kind.items():
            if kind not in self.found.kept and not kind.startswith("harness: workers"):
                run = self._listener.keep(seeds[0])
                self.found.kept[kind] = run
                self._journal.keep(Kept(kind=kind, seed=seeds[0], run=run))
