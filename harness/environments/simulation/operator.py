"""The operator: changes the members as the nemesis wishes, as a person with patience would.

One job at a time. A job is a few changes, each asked of whoever leads, asked again where the answer
is a refusal or does not come, and given up when the patience is over. Whether a change that was
not answered took place shows when it is asked for again: then it is refused as done already.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from harness.environments.simulation.host import AdminAnswer, Host
from harness.environments.simulation.kernel import Kernel
from nodeimpl.api.errors import (
    MEMBER_EXISTS,
    MEMBER_NOT_FOUND,
    MEMBER_NOT_LEARNER,
    ApiError,
)
from nodeimpl.boundary import MembersChanged
from nodeimpl.ids import MILLISECOND, SECOND, NodeId
from nodeimpl.raft.configuration import Change

RETRY_NS: Final = 100 * MILLISECOND
"""Between a refusal and the next try."""

ANSWER_NS: Final = 1_000 * MILLISECOND
"""How long an answer is waited for."""

PATIENCE_NS: Final = 5 * SECOND
"""How long one change is tried."""

JOBS_MAX: Final = 3
"""Jobs that wait; more wishes are turned down."""


class Crew(Protocol):
    """Whom the operator asks, and whom he tells."""

    def leading_host(self) -> Host | None:
        """Return the machine that runs the leader; None if nobody is known to lead."""

    def note(self, words: str) -> None:
        """Write down what came of a job."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change, and the refusals that say that it has taken place already."""

    change: Change
    done_already: Sequence[ApiError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A few changes, one after the other, that are known by `words`."""

    words: str
    steps: Sequence[Step]
    on_done: Callable[[], None] = field(default=lambda: None)
    """Called when all of them are committed."""
    on_given_up: Callable[[], None] = field(default=lambda: None)
    """Called when one of them may not be."""
    on_dropped: Callable[[], None] = field(default=lambda: None)
    """Called when none of them was ever asked for."""


def joining(node: NodeId) -> Step:
    """Return the step that makes `node` a learner."""
    return Step(Change(added=(node,)), (MEMBER_EXISTS,))


def promotion(node: NodeId, *, removed: tuple[NodeId, ...] = ()) -> Step:
    """Return the step that gives `node` a vote, and takes it from others."""
    done_already = (MEMBER_NOT_LEARNER, MEMBER_NOT_FOUND) if removed else (MEMBER_NOT_LEARNER,)
    return Step(Change(promoted=(node,), removed=removed), done_already)


def removal(node: NodeId) -> Step:
    """Return the step that removes `node`."""
    return Step(Change(removed=(node,)), (MEMBER_NOT_FOUND,))


class Operator:
    """Works off jobs in virtual time."""

    def __init__(self, kernel: Kernel, crew: Crew) -> None:
        self._kernel = kernel
        self._crew = crew
        self._jobs: deque[Job] = deque()
        self._step = 0
        """Of the first job, which is under way if there is one."""
        self._until = 0
        """When the patience with this step ends."""
        self._try = 0
        """Counts tries; an answer to an earlier one comes too late."""

    @property
    def is_busy(self) -> bool:
        """Whether a job is under way."""
        return bool(self._jobs)

    @property
    def has_time(self) -> bool:
        """Whether one more job may wait."""
        return len(self._jobs) <= JOBS_MAX

    def take(self, job: Job) -> None:
        """Do `job` when those before it are done."""
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._begin_step(0)

    def drop_waiting(self) -> None:
        """Finish the job under way, and forget all others."""
        while len(self._jobs) > 1:
            self._jobs.pop().on_dropped()

    def _begin_step(self, number: int) -> None:
        self._step = number
        self._until = self._kernel.now + PATIENCE_NS
        self._ask()

    def _ask(self) -> None:
        self._try += 1
        if self._kernel.now >= self._until:
            self._finish("gave up", self._jobs[0].on_given_up)
            return
        number = self._try
        host = self._crew.leading_host()
        if host is None:
            self._kernel.after(RETRY_NS, self._again, number)
            return
        self._kernel.after(ANSWER_NS, self._again, number)
        change = self._jobs[0].steps[self._step].change
        # Heard in an event of its own: what follows from it may end the very daemon that is still
        # carrying out the effects behind its answer.
        host.change_members(
            change,
            lambda body: self._kernel.after(0, self._answered, number, body),
            lambda: self._lost(number),
        )

    def _again(self, number: int) -> None:
        if number == self._try and self._jobs:
            self._ask()

    def _lost(self, number: int) -> None:
        self._kernel.after(RETRY_NS, self._again, number)

    def _answered(self, number: int, body: AdminAnswer) -> None:
        if number != self._try or not self._jobs:
            return
        job = self._jobs[0]
        if not isinstance(body, MembersChanged) and body not in job.steps[self._step].done_already:
            self._kernel.after(RETRY_NS, self._again, number)
        elif self._step + 1 < len(job.steps):
            self._begin_step(self._step + 1)
        else:
            self._finish("is done", job.on_done)

    def _finish(self, outcome: str, then: Callable[[], None]) -> None:
        self._try += 1
        job = self._jobs.popleft()
        self._crew.note(f"{job.words} {outcome}")
        then()
        if self._jobs:
            self._kernel.after(0, self._next, self._try)

    def _next(self, number: int) -> None:
        if number == self._try and self._jobs:
            self._begin_step(0)
