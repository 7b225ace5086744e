"""Stores that are filled and emptied again through etcd's API, on members that pretend."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from typing_extensions import override

from harness.client import Request, Response, connection_refused, refused
from harness.environments.real_time import quota
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.outcome import MemberChange
from harness.environments.real_time.quota import FILLER, FILLER_BYTES, StoreKeeper
from harness.environments.real_time.roster import Roster
from harness.systems.system import Member
from nemesis.surface import OperatorAnswer
from nodeimpl.api.errors import NO_SPACE, PERMISSION_DENIED, ROLE_EXISTS, ROLE_NOT_FOUND
from nodeimpl.api.rpc_pb2 import (
    NOSPACE,
    AlarmRequest,
    AlarmResponse,
    AuthRoleAddRequest,
    AuthRoleAddResponse,
    AuthRoleDeleteRequest,
    AuthRoleDeleteResponse,
    AuthRoleGrantPermissionRequest,
    AuthRoleGrantPermissionResponse,
    AuthRoleListRequest,
    AuthRoleListResponse,
    CompactionRequest,
    CompactionResponse,
    DefragmentRequest,
    DefragmentResponse,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseRevokeRequest,
    LeaseRevokeResponse,
    RangeRequest,
    RangeResponse,
    ResponseHeader,
)

LONG_S = 5.0
"""Longer than anything here takes."""

QUOTA_BYTES = 3_500_000


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "RETRY_S", 0.01)


class Cluster:
    """What three members agree on, and what each has on its disk; the second leads."""

    def __init__(self) -> None:
        self.quota_bytes = QUOTA_BYTES
        self.roles: dict[str, int] = {"theirs": 10}
        self.file_bytes = {"n1": 0, "n2": 0, "n3": 0}
        self.alarms: dict[int, None] = {}
        self.down: set[str] = set()
        self.takes_no_roles = False
        self.asked: list[tuple[str, str]] = []
        self.compacted_to = 0
        self.on_lifting: Callable[[], None] = lambda: None

    def leader(self) -> str | None:
        return "n2"

    def answer(self, node: str, request: Request) -> Response:
        """Carry `request` out as etcd does: files only shrink when they are defragmented."""
        if node in self.down:
            raise connection_refused()
        self.asked.append((node, type(request).__name__))
        response = self._of_roles(request) or self._of_store(node, request)
        assert response is not None, f"nobody asks for {request!r}"
        return response

    def _of_roles(self, request: Request) -> Response | None:
        match request:
            case AuthRoleAddRequest():
                return self._add(request.name)
            case AuthRoleGrantPermissionRequest():
                self._grow(request.name, len(request.perm.key))
                return AuthRoleGrantPermissionResponse()
            case AuthRoleListRequest():
                return AuthRoleListResponse(roles=sorted(self.roles))
            case AuthRoleDeleteRequest():
                if self.roles.pop(request.role, None) is None:
                    raise refused(ROLE_NOT_FOUND)
                return AuthRoleDeleteResponse()
            case _:
                return None

    def _of_store(self, node: str, request: Request) -> Response | None:
        response: Response | None = None
        match request:
            case LeaseGrantRequest():
                response = self._grant(node)
            case LeaseRevokeRequest():
                response = LeaseRevokeResponse()
            case RangeRequest():
                response = RangeResponse(header=ResponseHeader(revision=42))
            case CompactionRequest():
                self.compacted_to = request.revision
                response = CompactionResponse()
            case DefragmentRequest():
                self.file_bytes[node] = sum(self.roles.values())
                response = DefragmentResponse()
            case AlarmRequest():
                response = self._alarm(request)
            case _:
                pass
        return response

    def _add(self, name: str) -> AuthRoleAddResponse:
        if self.takes_no_roles:
            raise refused(PERMISSION_DENIED)
        if name in self.roles:
            raise refused(ROLE_EXISTS)
        self._grow(name, len(name))
        return AuthRoleAddResponse()

    def _grow(self, role: str, size: int) -> None:
        self.roles[role] = size
        for node in self.file_bytes:
            self.file_bytes[node] += size

    def _grant(self, node: str) -> LeaseGrantResponse:
        if self.file_bytes[node] >= self.quota_bytes:
            self.alarms[int(node.removeprefix("n"))] = None
        if self.alarms:
            raise refused(NO_SPACE)
        return LeaseGrantResponse(ID=7)

    def _alarm(self, request: AlarmRequest) -> AlarmResponse:
        if request.action == AlarmRequest.DEACTIVATE:
            del self.alarms[request.memberID]
            self.on_lifting()
        response = AlarmResponse()
        for member_id in self.alarms:
            response.alarms.add(memberID=member_id, alarm=NOSPACE)
        return response


class Node(Endpoint):
    """A member of such a cluster."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__("127.0.0.1:1")
        self._cluster = cluster
        self._name = name

    @override
    async def call(self, request: Request, timeout_ns: int) -> Response:
        assert timeout_ns > 0
        return self._cluster.answer(self._name, request)


class Site:
    """A cluster and the keeper of its store."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.told: list[MemberChange] = []
        nodes = {name: Node(cluster, name) for name in cluster.file_bytes}
        members = [
            Member(name=name, client_address="127.0.0.1:1", peer_address=name) for name in nodes
        ]
        self.nodes = nodes
        roster = Roster(members, nodes, lambda _, __: None)
        loop = asyncio.get_running_loop()
        self.keeper = StoreKeeper(loop, roster, cluster, self.told.append)

    async def exhaust(self) -> OperatorAnswer:
        """Ask as the nemesis does: from another thread."""
        return await asyncio.to_thread(self.keeper.exhaust)

    async def settle(self) -> None:
        """Wait until there is room."""
        deadline = asyncio.get_running_loop().time() + LONG_S
        while self.keeper.missing is not None:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.005)


def on(cluster: Cluster, story: Callable[[Site], Awaitable[None]]) -> Site:
    """Let `story` happen with a keeper at work."""

    async def tell() -> Site:
        site = Site(cluster)
        keeping = asyncio.create_task(site.keeper.run())
        await story(site)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        for node in site.nodes.values():
            await node.close()
        return site

    return asyncio.run(tell())


def test_the_store_is_filled_until_it_raises_its_alarm_by_itself() -> None:
    async def story(site: Site) -> None:
        assert site.keeper.episode is None
        answer = await site.exhaust()
        assert answer == OperatorAnswer("1 raised the alarm after 4 MB")
        assert site.keeper.episode == 1

    cluster = on(Cluster(), story).cluster
    assert cluster.alarms == {2: None}
    assert cluster.roles[f"{FILLER}3"] == FILLER_BYTES


def test_room_is_made_in_order_and_what_was_done_is_told() -> None:
    async def story(site: Site) -> None:
        await site.exhaust()
        site.cluster.asked.clear()
        assert site.keeper.make_room() == "room is to be made"
        await site.settle()
        assert site.keeper.episode is None

    site = on(Cluster(), story)
    cluster = site.cluster
    assert cluster.roles == {"theirs": 10}
    assert cluster.alarms == {}
    assert cluster.compacted_to == 42
    assert list(dict.fromkeys(name for _, name in cluster.asked)) == [
        "AuthRoleListRequest",
        "AuthRoleDeleteRequest",
        "RangeRequest",
        "CompactionRequest",
        "DefragmentRequest",
        "AlarmRequest",
        "LeaseGrantRequest",
        "LeaseRevokeRequest",
    ]
    [told] = site.told
    assert (told.do, told.outcome) == ("exhaust_quota", "done")
    assert told.reason.startswith(
        "4 roles removed, compacted to 42, n1 n2 n3 defragmented, 1 alarms lifted, after "
    )


def test_room_is_made_when_a_member_that_is_down_comes_back() -> None:
    async def story(site: Site) -> None:
        await site.exhaust()
        site.cluster.down.add("n3")
        site.keeper.make_room()
        await asyncio.sleep(0.05)
        assert site.keeper.missing == "n3 cannot be defragmented: connection refused"
        assert site.keeper.episode == 1
        site.cluster.down.clear()
        await site.settle()

    site = on(Cluster(), story)
    assert site.cluster.file_bytes == {"n1": 10, "n2": 10, "n3": 10}
    assert len(site.told) == 1


def test_a_member_that_got_a_large_store_once_more_is_defragmented_again() -> None:
    cluster = Cluster()

    def send_a_large_store() -> None:
        cluster.file_bytes["n1"] = QUOTA_BYTES
        cluster.on_lifting = lambda: None

    cluster.on_lifting = send_a_large_store

    async def story(site: Site) -> None:
        await site.exhaust()
        site.keeper.make_room()
        await site.settle()

    site = on(cluster, story)
    assert cluster.file_bytes["n1"] == 10
    assert cluster.alarms == {}
    assert "2 alarms lifted" in site.told[0].reason


def test_a_store_that_takes_no_roles_is_not_touched() -> None:
    cluster = Cluster()
    cluster.takes_no_roles = True

    async def story(site: Site) -> None:
        answer = await site.exhaust()
        assert not answer.is_taken
        assert "takes no roles" in answer.words

    assert on(cluster, story).cluster.roles == {"theirs": 10}


def test_a_store_too_large_to_be_filled_is_told_of_and_emptied_again() -> None:
    cluster = Cluster()
    cluster.quota_bytes = 2**62

    async def story(site: Site) -> None:
        answer = await site.exhaust()
        assert answer == OperatorAnswer("the store is not full after 64 MB")
        assert not (await site.exhaust()).is_taken
        assert site.keeper.episode is None
        site.keeper.make_room()
        await site.settle()
        cluster.quota_bytes = QUOTA_BYTES
        assert (await site.exhaust()).words == "1 raised the alarm after 4 MB"
        assert site.keeper.episode == 1

    on(cluster, story)


def test_filling_ends_when_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "FILL_S", 0.0)

    async def story(site: Site) -> None:
        assert (await site.exhaust()).words == "the store is not full after 1 MB"

    on(Cluster(), story)


def test_filling_goes_on_through_another_member_when_the_leader_is_gone() -> None:
    async def story(site: Site) -> None:
        site.cluster.down.add("n2")
        assert (await site.exhaust()).words == "1 raised the alarm after 4 MB"
        site.keeper.make_room()
        await asyncio.sleep(0.05)
        site.cluster.down.clear()
        await site.settle()

    on(Cluster(), story)
