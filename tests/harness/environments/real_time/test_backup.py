"""Clusters that are restored from a backup, or left as they are where that would lose something."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typing_extensions import override

from harness.client import Request, Response, timed_out
from harness.environments.real_time import backup
from harness.environments.real_time.backup import RealBackup
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.outcome import MemberChange
from harness.environments.real_time.roster import Roster
from harness.systems.system import Member
from nemesis.surface import OperatorAnswer
from nodeimpl.api.rpc_pb2 import RangeResponse, ResponseHeader, StatusResponse

FOUNDERS = ("n1", "n2", "n3")


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "REST_S", 0.05)


class Cluster:
    """Daemons, their leader, and what is restored; `done` is all that was done to them."""

    def __init__(self, nodes: Sequence[str] = FOUNDERS) -> None:
        self.nodes = tuple(nodes)
        self.leading: str | None = "n2"
        self.term = 5
        self.applied, self.committed = 7, 7
        self.answers = True
        self.done: list[tuple[str, ...]] = []
        self.told: list[MemberChange] = []
        self.on_stop: Callable[[str], None] = lambda _: None

    # ------------------------------------------------------------ Roles and Daemons
    def leader(self) -> str | None:
        return self.leading

    def node_names(self) -> Sequence[str]:
        return self.nodes

    def is_running(self, node: str) -> bool:
        raise AssertionError(f"the fault has asked already whether {node} runs")

    def kill(self, node: str, *, lose_unsynced: bool, torn_tail: bool) -> None:
        raise AssertionError(f"{node} is stopped in its own time: {lose_unsynced}, {torn_tail}")

    def stop(self, node: str) -> None:
        self.done.append(("stop", node))
        self.on_stop(node)

    def start(self, node: str) -> None:
        self.done.append(("start", node))

    def pause(self, node: str) -> None:
        raise AssertionError(f"nobody pauses {node}")

    def resume(self, node: str) -> None:
        raise AssertionError(f"nobody resumes {node}")

    # ------------------------------------------------------------ Restorer
    def snapshot_path(self) -> Path:
        return self.folder / "1.db"

    def restore(self, node: str, snapshot: Path, members: Sequence[Member]) -> None:
        names = " ".join(member.name for member in members)
        self.done.append(("restore", node, snapshot.read_text(), names))

    folder: Path


class Node(Endpoint):
    """A member of such a cluster."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        super().__init__("127.0.0.1:1")
        self._cluster = cluster
        self._name = name

    @override
    async def call(self, request: Request, timeout_ns: int) -> Response:
        del request, timeout_ns
        if not self._cluster.answers:
            raise timed_out()
        self._cluster.done.append(("read", self._name))
        return RangeResponse()

    @override
    async def status(self, timeout_ns: int) -> StatusResponse:
        del timeout_ns
        cluster = self._cluster
        return StatusResponse(
            header=ResponseHeader(revision=42, member_id=int(self._name[1:])),
            leader=0 if cluster.leading is None else int(cluster.leading[1:]),
            raftTerm=cluster.term,
            raftIndex=cluster.committed,
            raftAppliedIndex=cluster.applied,
        )

    @override
    async def save(self, path: Path, timeout_ns: int) -> None:
        del timeout_ns
        self._cluster.done.append(("save", self._name))
        await asyncio.to_thread(path.write_text, "all")


def restored(cluster: Cluster, folder: Path, founders: Sequence[str] = FOUNDERS) -> OperatorAnswer:
    """Return what comes of restoring the cluster."""
    cluster.folder = folder

    async def ask() -> OperatorAnswer:
        nodes = {name: Node(cluster, name) for name in founders}
        members = [
            Member(name=name, client_address="127.0.0.1:1", peer_address=name) for name in founders
        ]
        roster = Roster(members, nodes, lambda _, __: None)
        loop = asyncio.get_running_loop()
        site = RealBackup(loop, roster, cluster, cluster, cluster, cluster.told.append)
        answer = await asyncio.to_thread(site.restore_cluster)
        for node in nodes.values():
            await node.close()
        return answer

    return asyncio.run(ask())


def test_what_the_leader_holds_alone_is_saved_and_given_to_all(tmp_path: Path) -> None:
    cluster = Cluster()
    answer = restored(cluster, tmp_path)

    assert answer == OperatorAnswer("saved 3 bytes from n2 at revision 42, restored n1 n2 n3")
    assert cluster.done[:6] == [
        ("read", "n2"),
        ("stop", "n1"),
        ("read", "n2"),
        ("stop", "n3"),
        ("save", "n2"),
        ("stop", "n2"),
    ]
    assert sorted(cluster.done[6:9]) == [("restore", node, "all", "n1 n2 n3") for node in FOUNDERS]
    assert cluster.done[9:] == [("start", node) for node in FOUNDERS]
    [told] = cluster.told
    assert told.asked == answer.words.partition(",")[0]


def test_a_leader_of_another_term_may_lack_what_others_knew(tmp_path: Path) -> None:
    cluster = Cluster()

    def elect(node: str) -> None:
        cluster.term += node == "n3"

    cluster.on_stop = elect
    answer = restored(cluster, tmp_path)

    assert answer == OperatorAnswer("not restored: n2 has gone on to another term", is_taken=False)
    assert cluster.done[-3:] == [("save", "n2"), ("start", "n1"), ("start", "n3")]


def test_the_leader_is_asked_while_there_is_just_a_quorum(tmp_path: Path) -> None:
    five = ("n1", "n2", "n3", "n4", "n5")
    cluster = Cluster(five)
    restored(cluster, tmp_path, five)

    assert [" ".join(each) for each in cluster.done[:7]] == [
        "read n2", "stop n1", "stop n3", "read n2", "stop n4", "stop n5", "save n2",
    ]  # fmt: skip


def test_others_go_on_where_the_leader_has_lost_them_meanwhile(tmp_path: Path) -> None:
    cluster = Cluster()

    def fall_silent(node: str) -> None:
        cluster.answers = node != "n1"

    cluster.on_stop = fall_silent
    answer = restored(cluster, tmp_path)

    assert answer == OperatorAnswer("not restored: n2 does not answer", is_taken=False)
    assert cluster.done == [("read", "n2"), ("stop", "n1"), ("start", "n1")]


def test_a_leader_that_has_not_carried_out_all_is_not_saved(tmp_path: Path) -> None:
    cluster = Cluster()
    cluster.committed = 8
    answer = restored(cluster, tmp_path)

    assert answer.words == "not restored: n2 does not carry out what is committed"
    assert cluster.done[-3:] == [("stop", "n3"), ("start", "n1"), ("start", "n3")]


def test_nothing_is_stopped_where_nobody_leads_for_certain(tmp_path: Path) -> None:
    leaderless, silent = Cluster(), Cluster()
    leaderless.leading = None
    silent.answers = False

    assert restored(leaderless, tmp_path).words == "not restored: nobody leads"
    assert restored(silent, tmp_path).words == "not restored: n2 does not answer"
    assert leaderless.done == silent.done == []


@pytest.mark.parametrize(
    ("nodes", "founders"), [(("n2",), ("n2",)), (("n2", "n3"), FOUNDERS), (FOUNDERS, ("n2", "n3"))]
)
def test_one_member_goes_on_committing_and_others_than_founders_are_not_known(
    tmp_path: Path, nodes: Sequence[str], founders: Sequence[str]
) -> None:
    cluster = Cluster(nodes)

    answer = restored(cluster, tmp_path, founders)

    assert answer.words == "not restored: it takes the founders, and more than one"
    assert cluster.done == []
