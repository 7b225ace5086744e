"""The operator of a real cluster: changes its members as a person with patience would.

One job at a time, each of a few changes that are asked of whoever leads through the store's own
API. A store may refuse them for good reasons: etcd does so while a member has not been connected
for five seconds (`--strict-reconfig-check`), and promotes no learner that lags behind. So each is
asked again, and given up when the patience is over; what came of a job, and why, is told in the
end. Whether a change that was not answered took place shows when it is asked for again: then it is
refused as done already.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from harness.client import Request, Response, refused
from harness.environments.environment import Machines
from harness.environments.real_time.excuses import Excuses
from harness.environments.real_time.monitor import Monitor
from harness.environments.real_time.outcome import MemberChange
from harness.environments.real_time.roster import Roster, url_of
from harness.errors import CallError, DefiniteError
from nemesis.surface import Daemons
from nodeimpl.api.errors import (
    MEMBER_EXISTS,
    MEMBER_NOT_FOUND,
    MEMBER_NOT_LEARNER,
    PEER_URL_EXISTS,
    ApiError,
)
from nodeimpl.api.rpc_pb2 import (
    Member,
    MemberAddRequest,
    MemberListRequest,
    MemberListResponse,
    MemberPromoteRequest,
    MemberRemoveRequest,
)
from nodeimpl.ids import SECOND

RETRY_S: Final = 0.1
"""Between a refusal and the next try."""

ANSWER_NS: Final = 2 * SECOND
"""How long an answer is waited for."""

PATIENCE_S: Final = 8.0
"""How long one change is tried: longer than etcd wants its members to have been connected."""

JOBS_MAX: Final = 3
"""Jobs that wait; more wishes are turned down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Whom the operator asks, and what he works with."""

    roster: Roster
    monitor: Monitor
    machines: Machines
    daemons: Daemons
    excuses: Excuses
    in_turn: Callable[[Callable[[], None]], Awaitable[None]]
    """Has work on machines and daemons done when nobody else does any."""
    ready_s: float
    """How long a new node may take to serve."""
    tell: Callable[[MemberChange], None]
    """Is told what came of each job, in the event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the fault `do` wishes: that `joins` becomes a member, that `leaves` is none any more."""

    do: str
    words: str
    """As it was promised."""
    joins: str | None = None
    leaves: str | None = None


class _GivenUp(Exception):  # noqa: N818 - no error: the store may refuse
    """A change was not made, as far as is known."""

    def __init__(self, words: str, *, is_certain: bool) -> None:
        super().__init__(words)
        self.is_certain = is_certain
        """Whether it was refused each time, so that it has not taken place and will not."""


class Operator:
    """Works off jobs; `take` may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, crew: Crew) -> None:
        self._loop = loop
        self._crew = crew
        self._jobs: deque[Job] = deque()
        self._has_jobs = asyncio.Event()
        self._is_ending = False
        self._has_worked = False
        self._said: list[str] = []
        """Of the job under way, what is worth telling in the end."""
        self._gone: list[str] = []
        """Who was removed for certain; their daemons run on."""

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
        self._loop.call_soon_threadsafe(self._has_jobs.set)

    async def run(self) -> None:
        """Work until cancelled. Raises `SurfaceError` if a machine cannot do its part."""
        while True:
            await self._has_jobs.wait()
            self._has_jobs.clear()
            while self._jobs:
                self._has_worked = True
                await self._carry_out(self._jobs[0])
                self._jobs.popleft()

    async def end_changes(self) -> None:
        """Begin no further job, and switch off who was removed; `is_busy` until all is done."""
        self._is_ending = True
        while len(self._jobs) > 1:
            dropped = self._jobs.pop()
            self._report(dropped, "not done", "the load was over before its turn came")
        for node in self._gone:
            await self._switch_off(node)

    async def disagreement(self) -> str | None:
        """Return in what the store counts other members than this operator; None if in nothing.

        He learns of removals here that were never answered, and removes whom he did not want.
        """
        if self.is_busy:
            return "the members are being changed"
        if not self._has_worked:
            return None
        try:
            listed = await self._listed()
        except CallError as error:
            return f"the list of members is not to be had: {error}"
        known = {self._crew.roster.name_at(url) for each in listed for url in each.peerURLs}
        for node in self._crew.roster.names:
            if node not in known:
                await self._left(node)
        strangers = [node for node in sorted(filter(None, known)) if self._is_stranger(node)]
        for node in strangers:
            self.take(Job(do="shrink", words=f"{node} is to leave", leaves=node))
        return f"{', '.join(strangers)} should be no member" if strangers else None

    # ------------------------------------------------------------ jobs
    async def _carry_out(self, job: Job) -> None:
        said = self._said = []
        try:
            if job.joins is not None:
                await self._join(job.joins)
                said.append(f"{job.joins} votes")
            if job.leaves is not None:
                await self._remove(job.leaves)
                said.append(f"{job.leaves} is no member")
        except _GivenUp as given_up:
            self._report(job, "not done", "; ".join([*said, str(given_up)]))
        else:
            self._report(job, "done", "; ".join(said))

    async def _join(self, node: str) -> None:
        """Let a prepared node join, as a learner first; removed again if it does not get a vote."""
        member = self._crew.roster.member(node)
        add = MemberAddRequest(peerURLs=[url_of(member)], isLearner=True)
        try:
            await self._ask(f"adding {node}", add, (MEMBER_EXISTS, PEER_URL_EXISTS))
            await self._launch(node)
            await self._serving(node)
            promote = MemberPromoteRequest(ID=(await self._found(node)).ID)
            await self._ask(f"promoting {node}", promote, (MEMBER_NOT_LEARNER,), may_wait=True)
        except _GivenUp as given_up:
            if given_up.is_certain and node not in self._crew.roster.names:
                raise
            await self._clear_away(node, given_up)
        self._crew.roster.promote(node)

    async def _clear_away(self, node: str, given_up: _GivenUp) -> None:
        """Remove who could not join to the end, and give up."""
        try:
            await self._remove(node, may_wait=True)
        except _GivenUp as stays:
            raise _GivenUp(f"{given_up}; {stays}", is_certain=False) from stays
        raise given_up

    async def _launch(self, node: str) -> None:
        """Start the daemon of a node that the store counts as a member."""
        crew = self._crew
        await self._found(node)
        names = [crew.roster.name_at(url) for each in await self._listed() for url in each.peerURLs]
        members = [crew.roster.member(name) for name in names if name is not None]

        def launch() -> None:
            crew.excuses.begin(node)
            crew.machines.launch(node, members)

        # The nemesis may aim at it as soon as it runs, and asks it for its state then.
        crew.monitor.join(node, crew.roster.join(node))
        await crew.in_turn(launch)

    async def _serving(self, node: str) -> None:
        """Wait until a new node answers; started again where it found nobody to join and ended.

        One that was killed is for the nemesis to start.
        """
        crew = self._crew
        death_count = 0

        def start_again() -> None:
            nonlocal death_count
            known, death_count = death_count, crew.excuses.death_count(node)
            if death_count > known and not crew.daemons.is_running(node):
                crew.daemons.start(node)

        until = self._loop.time() + crew.ready_s
        while crew.monitor.statuses[node] is None:
            if self._loop.time() >= until:
                words = f"{node} did not serve within {crew.ready_s:g} s"
                if death_count:
                    words += f" and ended by itself, {death_count} times"
                raise _GivenUp(words, is_certain=False)
            await asyncio.sleep(RETRY_S)
            await crew.in_turn(start_again)
        await crew.in_turn(lambda: crew.excuses.end(node))

    async def _remove(self, node: str, *, may_wait: bool = False) -> None:
        """Remove a node, which may or may not be a member; its daemon may end when it hears it."""
        crew = self._crew
        member = await self._listed_as(node)
        if member is not None:
            await crew.in_turn(lambda: crew.excuses.begin(node))
            remove = MemberRemoveRequest(ID=member.ID)
            try:
                await self._ask(f"removing {node}", remove, (MEMBER_NOT_FOUND,), may_wait=may_wait)
            except _GivenUp as given_up:
                if given_up.is_certain:
                    await crew.in_turn(lambda: crew.excuses.end(node, is_excused=False))
                raise
        await self._left(node)

    async def _left(self, node: str) -> None:
        crew = self._crew
        await crew.in_turn(lambda: crew.machines.dismiss(node))
        if node in crew.roster.names:
            crew.monitor.leave(node)
            crew.roster.leave(node)
            self._gone.append(node)
        if self._is_ending:
            await self._switch_off(node)

    async def _switch_off(self, node: str) -> None:
        await self._crew.in_turn(lambda: self._crew.machines.switch_off(node))

    def _is_stranger(self, node: str) -> bool:
        return node not in self._crew.roster.names

    def _report(self, job: Job, outcome: str, reason: str) -> None:
        change = MemberChange(do=job.do, asked=job.words, outcome=outcome, reason=reason)
        self._crew.tell(change)

    # ------------------------------------------------------------ asking the store
    async def _ask(
        self,
        what: str,
        request: Request,
        done_already: Sequence[ApiError],
        *,
        may_wait: bool = False,
    ) -> None:
        """Ask until it is done. Once the load is over, only what `may_wait` is asked again."""
        until = self._loop.time() + PATIENCE_S
        refusals: list[str] = []
        is_certain = True
        while (error := await self._refusal(request)) is not None:
            if str(error) in [str(refused(done)) for done in done_already]:
                break
            refusals.append(str(error))
            is_certain = is_certain and isinstance(error, DefiniteError)
            is_over = self._is_ending and is_certain and not may_wait
            if is_over or self._loop.time() >= until:
                words = f"gave up {what} after {_counted(refusals)}"
                raise _GivenUp(words, is_certain=is_certain)
            await asyncio.sleep(RETRY_S)
        if refusals:
            self._said.append(f"{what} took more than {_counted(refusals)}")

    async def _refusal(self, request: Request) -> CallError | None:
        """Return why what was asked for is not known to be done; None if it is."""
        try:
            await self._leading_answer(request)
        except CallError as error:
            return error
        return None

    async def _found(self, node: str) -> Member:
        """Return the node as the store lists it, which is to be soon."""
        until = self._loop.time() + PATIENCE_S
        while (member := await self._listed_as(node)) is None:
            if self._loop.time() >= until:
                raise _GivenUp(f"{node} is not listed as a member", is_certain=False)
            await asyncio.sleep(RETRY_S)
        return member

    async def _listed_as(self, node: str) -> Member | None:
        """Return the node as the store lists it; None if it does not. Gives up if none answers."""
        url = url_of(self._crew.roster.member(node))
        until = self._loop.time() + PATIENCE_S
        while True:
            try:
                listed = await self._listed()
            except CallError as error:
                if self._loop.time() >= until:
                    words = f"the list of members is not to be had: {error}"
                    raise _GivenUp(words, is_certain=False) from error
                await asyncio.sleep(RETRY_S)
            else:
                return next((each for each in listed if url in each.peerURLs), None)

    async def _listed(self) -> Sequence[Member]:
        response = await self._leading_answer(MemberListRequest(linearizable=True))
        assert isinstance(response, MemberListResponse), "a list is answered with a list"
        return response.members

    async def _leading_answer(self, request: Request) -> Response:
        """Return the answer of whoever leads; raises `CallError`, naming him."""
        leader = self._crew.monitor.leader()
        if leader is None:
            raise DefiniteError("nobody is known to lead")
        return await self._crew.roster.endpoints[leader].call(request, ANSWER_NS)


def _counted(refusals: Sequence[str]) -> str:
    tries = "1 try" if len(refusals) == 1 else f"{len(refusals)} tries"
    return f"{tries}; the last: {refusals[-1]}"
