"""The keeper of a real cluster's store: has its quota used up, and makes room as an operator does.

What fills the store takes room and no revision: roles of its users, each with a permission for one
very long key, granted to nobody. So no key and no revision is other than without the fault, and no
checker of the history need know of it. That the quota is used up shows when a lease is refused for
want of space; the store then raises its alarm by itself (etcd, quota.go: quotaAlarmer).

Room is made in the order that etcd's operations guide gives: what fills the store is removed, the
store compacted, every member defragmented, for etcd counts its file and not what is in it; only
then are alarms lifted. When every member takes writes again, it is done. What is refused or not
answered is asked for again, with no bound but the trial's own.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

from harness.client import Request, Response, refused
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.outcome import MemberChange
from harness.environments.real_time.roster import Roster
from harness.errors import CallError, DefiniteError
from nemesis.faults.quota import ExhaustQuota
from nemesis.surface import OperatorAnswer, Roles
from nodeimpl.api.auth_pb2 import Permission
from nodeimpl.api.errors import COMPACTED, NO_SPACE, ROLE_EXISTS, ROLE_NOT_FOUND, ApiError
from nodeimpl.api.rpc_pb2 import (
    NOSPACE,
    AlarmMember,
    AlarmRequest,
    AlarmResponse,
    AuthRoleAddRequest,
    AuthRoleDeleteRequest,
    AuthRoleGrantPermissionRequest,
    AuthRoleListRequest,
    AuthRoleListResponse,
    CompactionRequest,
    DefragmentRequest,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseRevokeRequest,
    RangeRequest,
    RangeResponse,
)
from nodeimpl.ids import SECOND

FILLER: Final = "quorate-filler-"
"""How the roles are named that fill a store."""

FILLER_BYTES: Final = 1_000_000
"""Of one role: less than a request may have (etcd --max-request-bytes, 1.5 MiB)."""

ROLES_MAX: Final = 64
"""A store that holds so many is not going to be full."""

FILL_S: Final = 8.0
"""How long the store is filled at most; the nemesis does nothing else meanwhile."""

RETRY_S: Final = 0.2
"""Between two attempts to make room."""

_ANSWER_NS: Final = 2 * SECOND
_DEFRAGMENT_NS: Final = 5 * SECOND
_PROBE_TTL_S: Final = 10
"""Of leases that show whether the store takes writes: no key is ever attached to one."""

_PROMISE: Final = "room is to be made"


class StoreKeeper:
    """Offers `nemesis.surface.Quota` to the nemesis' thread; all work is done in the loop's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        roster: Roster,
        roles: Roles,
        tell: Callable[[MemberChange], None],
    ) -> None:
        """`tell` is told, in the event loop, what came of making room."""
        self._loop = loop
        self._roster = roster
        self._roles = roles
        self._tell = tell
        self._is_wanted = asyncio.Event()
        self._filler_count = 0
        """Roles that this keeper put into the store, and has not removed for certain."""
        self._episodes = count(1)
        self.episode: int | None = None
        """Counts the alarms; None unless one is known to be in force, through all the log.

        A request that was sent and refused for want of space within one episode has changed
        nothing. Any other may have: a member carries out what entered the log before the alarm,
        and still answers that there was no room (etcd, apply.go: quotaApplierV3).
        """
        self.missing: str | None = None
        """What is still to be done until there is room; None if nothing is."""

    # ------------------------------------------------------------ what the nemesis asks for
    def exhaust(self) -> OperatorAnswer:
        """Fill the store; see `Quota`."""
        return asyncio.run_coroutine_threadsafe(self._exhaust(), self._loop).result()

    def make_room(self) -> str:
        """Have room made; see `Quota`."""
        self.missing = "the store is still full"
        self._loop.call_soon_threadsafe(self._is_wanted.set)
        return _PROMISE

    async def run(self) -> None:
        """Make room whenever that is wished, until cancelled."""
        while True:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            began = self._loop.time()
            work = _RoomMaking(self)
            await work.carry_out()
            self._filler_count = 0
            self.missing = None
            took_ms = 1000 * (self._loop.time() - began)
            told = MemberChange(
                do=ExhaustQuota.do,
                asked=_PROMISE,
                outcome="done",
                reason=f"{work.story()}, after {took_ms:.0f} ms",
            )
            self._tell(told)

    # ------------------------------------------------------------ filling
    async def _exhaust(self) -> OperatorAnswer:
        if self.missing is not None or self._filler_count > 0:
            return OperatorAnswer("the store is full, or room is being made", is_taken=False)
        until = self._loop.time() + FILL_S
        for number in range(ROLES_MAX):
            try:
                await self._add_filler(f"{FILLER}{number}")
                alarms = await self._alarms_if_full()
            except CallError as error:
                if self._filler_count == 0 and isinstance(error, DefiniteError):
                    return OperatorAnswer(f"the store takes no roles: {error}", is_taken=False)
                self._filler_count += 1  # It may be there.
                return OperatorAnswer(f"the store is not full: {error}, after {number} MB")
            if alarms:
                self.episode = next(self._episodes)
                return OperatorAnswer(f"{len(alarms)} raised the alarm after {number + 1} MB")
            if self._loop.time() >= until:
                break
        return OperatorAnswer(f"the store is not full after {number + 1} MB")

    async def _add_filler(self, name: str) -> None:
        await self.ask(AuthRoleAddRequest(name=name), done_already=ROLE_EXISTS)
        self._filler_count += 1
        permission = Permission(permType=Permission.READ, key=b"f" * FILLER_BYTES)
        await self.ask(AuthRoleGrantPermissionRequest(name=name, perm=permission))

    async def _alarms_if_full(self) -> list[AlarmMember]:
        """Return the alarms in force if a lease is refused for want of space; else none.

        It is asked for at the first member that answers.
        """
        for endpoint in self._order():
            error = await self.probe(endpoint)
            if error is None:
                break
            if str(error) == str(refused(NO_SPACE)):
                return await self.alarms()
        return []

    # ------------------------------------------------------------ asking
    async def probe(self, endpoint: Endpoint) -> CallError | None:
        """Return why a node does not grant a lease; None if it does. The lease is given back."""
        try:
            granted = await endpoint.call(LeaseGrantRequest(TTL=_PROBE_TTL_S), _ANSWER_NS)
            assert isinstance(granted, LeaseGrantResponse), "of its request"
            await endpoint.call(LeaseRevokeRequest(ID=granted.ID), _ANSWER_NS)
        except CallError as error:
            return error
        return None

    async def alarms(self) -> list[AlarmMember]:
        """Return the alarms for want of space that are in force; raises `CallError`."""
        found = await self.ask(AlarmRequest(action=AlarmRequest.GET, alarm=NOSPACE))
        assert isinstance(found, AlarmResponse), "of its request"
        return list(found.alarms)

    async def ask(
        self, request: Request, *, done_already: ApiError | None = None
    ) -> Response | None:
        """Ask one node after the other, the leader first, until one answers; return the answer.

        None where it was refused as done already. Raises `CallError` if none answers: a definite
        one only if nobody did anything.
        """
        error: CallError | None = None
        for endpoint in self._order():
            try:
                return await endpoint.call(request, _ANSWER_NS)
            except CallError as failed:
                if done_already is not None and str(failed) == str(refused(done_already)):
                    return None
                error = failed if error is None or isinstance(error, DefiniteError) else error
        assert error is not None, "a cluster has somebody to ask"
        raise error

    async def revision(self) -> int:
        """Return the revision that some member has come to; raises `CallError`."""
        answered = await self.ask(RangeRequest(key=b"\0", serializable=True))
        assert isinstance(answered, RangeResponse), "of its request"
        return answered.header.revision

    def voters(self) -> Iterator[tuple[str, Endpoint]]:
        """Return who serves clients."""
        yield from self._roster.voters().items()

    def _order(self) -> list[Endpoint]:
        voters = self._roster.voters()
        leader = self._roles.leader()
        return [voters[node] for node in sorted(voters, key=lambda node: node != leader)]


class _RoomMaking:
    """One job of the keeper: what was done so far, and what is left."""

    def __init__(self, keeper: StoreKeeper) -> None:
        self._keeper = keeper
        self._removed_count = 0
        self._compacted_to: int | None = None
        self._defragmented: dict[str, None] = {}
        self._lifted_count = 0

    def story(self) -> str:
        """Return what was done, for the record."""
        defragmented = " ".join(self._defragmented)
        return (
            f"{self._removed_count} roles removed, compacted to {self._compacted_to},"
            f" {defragmented} defragmented, {self._lifted_count} alarms lifted"
        )

    async def carry_out(self) -> None:
        """Return when there is room everywhere."""
        while True:
            if await self._attempt():
                return
            await asyncio.sleep(RETRY_S)

    async def _attempt(self) -> bool:
        """Do what is left, as far as it goes now; return whether there is room everywhere."""
        keeper = self._keeper
        try:
            await self._remove_filler()
            await self._compact()
            if await self._defragment_all():
                await self._lift_alarms()
                return await self._all_take_writes()
        except CallError as error:
            keeper.missing = f"no room could be made in the store: {error}"
        return False

    async def _remove_filler(self) -> None:
        listed = await self._keeper.ask(AuthRoleListRequest())
        assert isinstance(listed, AuthRoleListResponse), "of its request"
        for role in listed.roles:
            if role.startswith(FILLER):
                await self._keeper.ask(
                    AuthRoleDeleteRequest(role=role), done_already=ROLE_NOT_FOUND
                )
                self._removed_count += 1

    async def _compact(self) -> None:
        """Compact once to the present: to any node's, for the others come to it."""
        if self._compacted_to is None:
            revision = await self._keeper.revision()
            await self._keeper.ask(CompactionRequest(revision=revision), done_already=COMPACTED)
            self._compacted_to = revision

    async def _defragment_all(self) -> bool:
        """Defragment every member that is not yet; return whether all are."""
        is_done = True
        for node, endpoint in self._keeper.voters():
            if node not in self._defragmented:
                try:
                    await endpoint.call(DefragmentRequest(), _DEFRAGMENT_NS)
                except CallError as error:
                    self._keeper.missing = f"{node} cannot be defragmented: {error}"
                    is_done = False
                else:
                    self._defragmented[node] = None
        return is_done

    async def _lift_alarms(self) -> None:
        for alarm in await self._keeper.alarms():
            self._keeper.episode = None  # From now on a refusal may be of another kind.
            lifting = AlarmRequest(
                action=AlarmRequest.DEACTIVATE, memberID=alarm.memberID, alarm=NOSPACE
            )
            await self._keeper.ask(lifting)
            self._lifted_count += 1

    async def _all_take_writes(self) -> bool:
        """Return whether every member takes writes; one that does not is defragmented again.

        It may have been sent a store since that was not.
        """
        for node, endpoint in self._keeper.voters():
            error = await self._keeper.probe(endpoint)
            if error is not None:
                self._defragmented.pop(node, None)
                self._keeper.missing = f"{node} takes no writes yet: {error}"
                return False
        return True
