"""Our node as a daemon, driven by etcd's own etcdctl."""

import hashlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.local.our_cluster import Cluster, Member, free_ports, running, wait_until

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(Cluster(tmp_path_factory.mktemp("three"), 3)) as cluster:
        yield cluster


def test_every_member_serves_reads_and_writes(three: Cluster) -> None:
    for member in three.members:
        assert three.out("put", "serve", member.name, at=member) == "OK\n"
        for other in three.members:
            assert three.out("get", "serve", at=other) == f"serve\n{member.name}\n"


def test_a_transaction_is_carried_out(three: Cluster) -> None:
    three.out("put", "txn", "1")
    answer = three.out("txn", stdin='value("txn") = "1"\n\nput txn 2\n\nput txn 3\n\n')
    assert answer.split() == ["SUCCESS", "OK"]
    assert three.out("get", "txn", "--print-value-only") == "2\n"


def test_history_is_read_and_compacted(three: Cluster) -> None:
    three.out("put", "old", "1")
    revision = revision_now(three)
    three.out("put", "old", "2")
    assert three.out("get", "old", f"--rev={revision}", "--print-value-only") == "1\n"
    three.out("compact", str(revision + 1))
    refused = three.ctl("get", "old", f"--rev={revision}", check=False)
    assert "required revision has been compacted" in refused.stderr


def test_a_watch_tells_the_past_and_the_present(three: Cluster) -> None:
    three.out("put", "watched", "1")
    revision = revision_now(three)
    seen: list[str] = []
    watch = threading.Thread(
        target=lambda: seen.append(
            three.ctl(
                "watch",
                "watched",
                f"--rev={revision}",
                "--prev-kv",
                "--",
                "sh",
                "-c",
                "echo $ETCD_WATCH_EVENT_TYPE; test $ETCD_WATCH_EVENT_TYPE = '\"PUT\"'",
                check=False,
            ).stdout
        )
    )
    watch.start()
    three.out("put", "watched", "2")
    three.out("del", "watched")
    watch.join(timeout=30)
    assert not watch.is_alive(), "the watch ends when its command fails"
    words = seen[0].replace('"', "").split()
    assert words.count("PUT") >= 2
    assert "DELETE" in words


def test_a_lease_keeps_keys_and_takes_them_along(three: Cluster) -> None:
    lease = three.out("lease", "grant", "60").split()[1]
    three.out("put", "leased", "x", f"--lease={lease}")
    told = three.out("lease", "timetolive", lease, "--keys", at=three.members[1])
    assert "granted with TTL(60s)" in told
    assert "attached keys([leased])" in told
    assert lease in three.out("lease", "list", at=three.members[2])
    three.out("lease", "keep-alive", "--once", lease)
    three.out("lease", "revoke", lease)
    assert three.out("get", "leased") == ""


def test_a_lease_that_nobody_keeps_alive_ends(three: Cluster) -> None:
    lease = three.out("lease", "grant", "2").split()[1]
    three.out("put", "brief", "x", f"--lease={lease}")
    wait_until(lambda: three.out("get", "brief") == "")


def test_a_lock_and_an_election_are_held(three: Cluster) -> None:
    assert three.out("lock", "mutex", "echo", "held") == "held\n"
    assert three.out("lock", "mutex", "echo", "again") == "again\n"


def test_members_are_all_known_and_agree(three: Cluster) -> None:
    listed = msgspec.json.decode(three.out("member", "list", "-w", "json"))
    assert sorted(member["name"] for member in listed["members"]) == ["n0", "n1", "n2"]
    hashes = msgspec.json.decode(three.out("endpoint", "hashkv", "-w", "json"))
    assert len({each["HashKV"]["hash"] for each in hashes}) == 1


def test_leadership_moves_where_it_is_told(three: Cluster) -> None:
    before = leader_of(three)
    target = next(member for member in three.members if member is not before)
    three.out("move-leader", f"{member_id(three, target):x}", at=before)
    assert leader_of(three) is target


def test_a_move_is_refused_by_who_does_not_lead(three: Cluster) -> None:
    leader = leader_of(three)
    follower = next(member for member in three.members if member is not leader)
    refused = three.ctl("move-leader", f"{member_id(three, leader):x}", at=follower, check=False)
    assert refused.returncode != 0


def test_a_snapshot_ends_with_its_checksum(three: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "snapshot.db"
    three.out("snapshot", "save", str(file), at=three.members[0])
    data = file.read_bytes()
    assert len(data) % 512 == hashlib.sha256().digest_size
    assert data[-32:] == hashlib.sha256(data[:-32]).digest()


def test_defragmentation_is_carried_out_while_it_serves(three: Cluster) -> None:
    assert three.out("defrag").count("Finished defragmenting") == 3
    assert three.out("put", "after", "defrag") == "OK\n"


def test_status_names_the_leader(three: Cluster) -> None:
    leader = leader_of(three)
    statuses = msgspec.json.decode(three.out("endpoint", "status", "-w", "json"))
    assert {each["Status"]["leader"] for each in statuses} == {member_id(three, leader)}


def test_a_killed_cluster_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 3, flags=("--snapshot-count=50",))) as cluster:
        for number in range(120):
            cluster.out("put", f"k{number % 40}", str(number))
        for member in cluster.members:
            member.end(signal.SIGKILL)
        cluster.start()
        for key in range(40):
            assert cluster.out("get", f"k{key}", "--print-value-only") == f"{key + 80}\n"


def test_a_member_that_missed_all_of_the_log_gets_the_store(tmp_path: Path) -> None:
    flags = ("--snapshot-count=20", "--experimental-snapshot-catchup-entries=5")
    with running(Cluster(tmp_path, 3, flags=flags)) as cluster:
        leader = leader_of(cluster)
        behind = next(member for member in cluster.members if member is not leader)
        behind.end(signal.SIGKILL)
        for number in range(100):
            cluster.out("put", f"k{number}", "x", at=leader)
        behind.start(cluster.initial)
        cluster.wait_until_healthy(behind)
        assert "installed a snapshot" in behind.log
        assert cluster.out("get", "k99", "--consistency=s", at=behind) == "k99\nx\n"


def test_a_member_joins_votes_and_leaves(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 1)) as cluster:
        cluster.out("put", "k", "v")
        client, peer = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        joining = Member("joining", tmp_path / "joining", client, peer)
        cluster.out("member", "add", "joining", f"--peer-urls={peer}")
        initial = f"{cluster.initial},joining={peer}"
        cluster.members.append(joining)
        joining.start(initial, state="existing")
        cluster.wait_until_healthy(joining)
        assert cluster.out("get", "k", at=joining) == "k\nv\n"
        wait_until(lambda: "promoted a member" in cluster.members[0].log)
        leaving = f"{member_id(cluster, joining):x}"
        wait_until(lambda: has_removed(cluster, leaving))
        assert joining.wait() == 0
        assert "permanently removed" in joining.log
        cluster.members.remove(joining)
        assert cluster.out("put", "k", "w") == "OK\n"


def has_removed(cluster: Cluster, leaving: str) -> bool:
    """Return whether it could be: members must have been connected for five seconds (as etcd)."""
    at = cluster.members[0]
    return cluster.ctl("member", "remove", leaving, at=at, check=False).returncode == 0


def test_a_learner_is_promoted_when_told(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 1)) as cluster:
        client, peer = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        learner = Member("learner", tmp_path / "learner", client, peer)
        cluster.out("member", "add", "learner", f"--peer-urls={peer}", "--learner")
        other = ("--peer-urls=http://127.0.0.1:1", "--learner")
        refused = cluster.ctl("member", "add", "other", *other, check=False)
        assert "too many learner members in cluster" in refused.stderr
        founder = cluster.members[0]
        cluster.members.append(learner)
        learner.start(f"{cluster.initial},learner={peer}", state="existing")
        wait_until(
            lambda: (
                cluster.ctl("get", "x", "--consistency=s", at=learner, check=False).returncode == 0
            )
        )
        assert cluster.out("member", "list", at=founder).count("true") == 1
        identity = f"{member_id(cluster, learner):x}"
        wait_until(
            lambda: (
                cluster.ctl("member", "promote", identity, at=founder, check=False).returncode == 0
            )
        )
        assert cluster.out("member", "list", at=founder).count("true") == 0


def takes_members(cluster: Cluster) -> bool:
    """Return whether members can be added: all must have been connected for five seconds."""
    added = cluster.ctl("member", "add", "x", "--peer-urls=http://127.0.0.1:9", check=False)
    if added.returncode == 0:
        cluster.out("member", "remove", added.stdout.split()[1])
    return added.returncode == 0


def test_a_change_that_might_lose_the_quorum_is_refused(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 3)) as cluster:
        leader = leader_of(cluster)
        down = next(member for member in cluster.members if member is not leader)
        down_id = f"{member_id(cluster, down):x}"
        wait_until(lambda: takes_members(cluster))
        down.end(signal.SIGKILL)
        added = ("member", "add", "x", "--peer-urls=http://127.0.0.1:9")
        wait_until(
            lambda: "unhealthy cluster" in cluster.ctl(*added, at=leader, check=False).stderr
        )
        assert cluster.ctl("member", "remove", down_id, at=leader).returncode == 0


def test_a_stopped_leader_hands_over(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 3)) as cluster:
        leader = leader_of(cluster)
        assert leader.end(signal.SIGTERM) == 0
        assert "handed over" in leader.log
        leader.start(cluster.initial)
        cluster.wait_until_healthy()


def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    with running(Cluster(tmp_path, 1)) as cluster:
        (client, peer) = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        intruder = Member("n0", cluster.members[0].directory, client, peer)
        intruder.start(f"n0={peer}")
        assert intruder.wait() == 1
        assert "in use by another process" in intruder.log


def revision_now(cluster: Cluster) -> int:
    answer = msgspec.json.decode(cluster.out("get", "nothing", "-w", "json"))
    return int(answer["header"]["revision"])


def member_id(cluster: Cluster, member: Member) -> int:
    status = msgspec.json.decode(cluster.out("endpoint", "status", "-w", "json", at=member))
    return int(status[0]["Status"]["header"]["member_id"])


def leader_of(cluster: Cluster) -> Member:
    found: list[Member] = []

    def look() -> bool:
        statuses = msgspec.json.decode(cluster.out("endpoint", "status", "-w", "json"))
        found[:] = [
            member
            for member, each in zip(cluster.members, statuses, strict=True)
            if each["Status"].get("leader") == each["Status"]["header"]["member_id"]
        ]
        return len(found) == 1

    wait_until(look)
    return found[0]


def test_no_id_is_given_twice(three: Cluster) -> None:
    given = []
    wait_until(lambda: takes_members(three))
    for _ in range(3):
        added = three.out("member", "add", "again", "--peer-urls=http://127.0.0.1:1")
        given.append(added.split()[1])
        three.out("member", "remove", given[-1])
    assert len(set(given)) == 3
