"""The nemesis in real time: carries out a schedule by the trial's clock, in a thread of its own.

Surfaces block until they have done their work, so one thread serves them, one fault after the
other, while clients go on in the event loop. Observations wait until the thread is idle.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.environments.real_time.clock import TrialClock
from nemesis.applied import Applied
from nemesis.inject import Injector
from nemesis.schedule import Observation
from nodeimpl.ids import SECOND, Instant


class RealTimeNemesis:
    """Runs one injector. `note` is told, in the event loop, of everything that was done."""

    def __init__(
        self,
        clock: TrialClock,
        injector: Injector,
        note: Callable[[Applied], None],
        executor: ThreadPoolExecutor,
    ) -> None:
        """`executor` is one thread; whoever else touches the daemons uses it, too."""
        self._clock = clock
        self._injector = injector
        self._note = note
        self._observed: list[tuple[Instant, Observation]] = []
        self._changed = asyncio.Event()
        self._is_ending = False
        self._executor = executor

    def observe(self, observation: Observation) -> None:
        """Take note of what a node was seen to do; may trigger faults."""
        self._observed.append((self._clock.now(), observation))
        self._changed.set()

    async def run(self) -> None:
        """Carry out the schedule until it is told to `end`.

        Raises `InjectionError` when a surface could not do its part.
        """
        while not self._is_ending:
            self._hand_over()
            due = self._injector.due()
            if due is not None and due <= self._clock.now():
                await self._carry_out(self._injector.step)
            else:
                await self._wait_until(due)

    def end(self) -> None:
        """Begin no more faults; `run` returns when the one under way has been carried out."""
        self._is_ending = True
        self._changed.set()

    async def end_all(self) -> None:
        """Undo every fault, after `run` has returned."""
        await self._carry_out(self._injector.end_all)

    async def close(self) -> None:
        """Let the thread go when it has finished the call it is in, which may need the loop."""
        await asyncio.to_thread(self._executor.shutdown)

    def _hand_over(self) -> None:
        observed, self._observed = self._observed, []
        for when, observation in observed:
            self._injector.observe(when, observation)

    async def _wait_until(self, due: int | None) -> None:
        """Wait until `due`, or until something else is to be done."""
        self._changed.clear()
        if self._observed or self._is_ending:
            return
        delay_s = None if due is None else (due - self._clock.now()) / SECOND
        try:
            await asyncio.wait_for(self._changed.wait(), delay_s)
        except TimeoutError:
            return

    async def _carry_out(self, work: Callable[[int], Sequence[Applied]]) -> None:
        first = len(self._injector.applied)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, work, self._clock.now())
        finally:
            for applied in self._injector.applied[first:]:
                self._note(applied)
