"""The command lines of etcd and of our node."""

from pathlib import Path

import msgspec
import pytest

from harness.errors import HarnessError, UsageError
from harness.plan import DaemonPlan, NodePlan, Plan
from harness.systems.etcd import Etcd, MixedEtcd, timing_flags
from harness.systems.nodeimpl import nodeimpl_of
from harness.systems.registry import system_of
from harness.systems.system import Launch, Member
from harness.systems.versions import Binary, Version
from tests.harness.systems.programs import fake_etcd

N1 = Member(name="n1", client_address="h:1", peer_address="h:2")
N2 = Member(name="n2", client_address="h:3", peer_address="h:4")
NEWER = Version(3, 5, 16)
LAUNCH = Launch(member=N2, members=(N1, N2), data_directory="/data", cluster="t")


def etcd(version: Version = NEWER, *, fsync: bool = True, flags: tuple[str, ...] = ()) -> Etcd:
    return Etcd(Binary(Path("/bin/etcd"), version), NodePlan(), fsync, flags)


def test_a_member_is_told_who_it_is_and_who_is_there() -> None:
    command = etcd().command(LAUNCH)

    assert command[0] == "/bin/etcd"
    assert "--name=n2" in command
    assert "--data-dir=/data" in command
    assert "--listen-client-urls=http://h:3" in command
    assert "--initial-advertise-peer-urls=http://h:4" in command
    assert "--initial-cluster=n1=http://h:2,n2=http://h:4" in command
    assert "--initial-cluster-token=t" in command


def test_who_joins_is_told_that_the_cluster_is_there() -> None:
    joining = msgspec.structs.replace(LAUNCH, is_joining=True)

    assert "--initial-cluster-state=new" in etcd().command(LAUNCH)
    assert "--initial-cluster-state=existing" in etcd().command(joining)


def test_who_joins_a_cluster_of_several_versions_is_of_the_newest() -> None:
    older, newer = etcd(Version(3, 4, 23)), etcd(NEWER, flags=("--newer",))
    n4 = Member(name="n4", client_address="h:7", peer_address="h:8")
    launch = msgspec.structs.replace(LAUNCH, member=n4, is_joining=True)

    assert "--newer" in MixedEtcd({"n1": newer, "n2": older}).command(launch)


def test_flags_of_the_plan_come_last() -> None:
    assert etcd(flags=("--quota-backend-bytes=1",)).command(LAUNCH)[-1] == "--quota-backend-bytes=1"


def test_the_catch_up_entries_can_be_set_from_3_5_on() -> None:
    def has_it(version: Version) -> bool:
        return any("catchup-entries" in flag for flag in etcd(version).command(LAUNCH))

    assert has_it(Version(3, 5, 0))
    assert not has_it(Version(3, 4, 23))


def test_fsync_is_left_out_only_on_request() -> None:
    assert "--unsafe-no-fsync" not in etcd().command(LAUNCH)
    assert "--unsafe-no-fsync" in etcd(fsync=False).command(LAUNCH)


@pytest.mark.parametrize(
    ("heartbeat_ms", "least_ms", "flag"),
    [(100.0, 1000.0, 1000), (100.0, 300.0, 500), (0.2, 0.5, 5)],
)
def test_an_election_takes_five_heartbeats_at_least(
    heartbeat_ms: float, least_ms: float, flag: int
) -> None:
    node = NodePlan(heartbeat_ms=heartbeat_ms, election_timeout_ms=(least_ms, 2 * least_ms))

    assert f"--election-timeout={flag}" in timing_flags(node)


def test_our_node_has_one_version_and_no_other_program() -> None:
    with pytest.raises(HarnessError, match=r"not 9.9 as asked for"):
        nodeimpl_of(Plan(daemon=DaemonPlan(version="9.9")))
    with pytest.raises(HarnessError, match="is for --system etcd"):
        nodeimpl_of(Plan(daemon=DaemonPlan(binary="/bin/etcd")))
    with pytest.raises(HarnessError, match="is for --system etcd"):
        nodeimpl_of(Plan(daemon=DaemonPlan(versions=("3.4", "3.5", "3.5"))))


def test_systems_are_found_by_name(tmp_path: Path) -> None:
    binary = str(fake_etcd(tmp_path / "etcd", "3.5.30"))

    assert system_of(Plan(system="etcd", daemon=DaemonPlan(binary=binary))).version == "3.5.30"
    assert system_of(Plan()).name == "nodeimpl"
    with pytest.raises(UsageError, match="did you mean 'etcd'"):
        system_of(Plan(system="etdc"))


@pytest.fixture
def two_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an etcd 3.4.23 and a 3.5.30, and no other."""
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    monkeypatch.setenv("QUORATE_CACHE", str(tmp_path))
    fake_etcd(tmp_path / "etcd" / "3.4.23" / "etcd", "3.4.23")
    fake_etcd(tmp_path / "etcd" / "3.5.30" / "etcd", "3.5.30")


@pytest.mark.usefixtures("two_versions")
def test_each_node_can_be_of_a_version_of_its_own() -> None:
    daemon = DaemonPlan(versions=("3.5", "3.4"), flags=("?--unheard-of=1",))
    system = system_of(Plan(system="etcd", nodes=2, daemon=daemon))

    command = system.command(LAUNCH)
    assert system.version == "n1 3.5.30, n2 3.4.23"
    assert "/3.4.23/" in command[0]
    assert not any("catchup-entries" in flag or "unheard" in flag for flag in command)


@pytest.mark.usefixtures("two_versions")
def test_versions_are_as_many_as_nodes() -> None:
    daemon = DaemonPlan(versions=("3.5", "3.4"))
    with pytest.raises(UsageError, match="names 2 versions for 3 nodes"):
        system_of(Plan(system="etcd", daemon=daemon))


def test_behind_a_proxy_a_member_listens_elsewhere_than_its_peers_think() -> None:
    behind = Member(name="n2", client_address="h:3", peer_address="h:4", peer_listen_address="h:5")
    command = etcd().command(
        Launch(member=behind, members=(N1, behind), data_directory="/d", cluster="t")
    )

    assert "--listen-peer-urls=http://h:5" in command
    assert "--initial-advertise-peer-urls=http://h:4" in command


def test_a_backup_is_restored_by_the_tool_beside_etcd(tmp_path: Path) -> None:
    of_tmp = Etcd(Binary(tmp_path / "etcd", NEWER), NodePlan(), fsync=True, flags=())
    with pytest.raises(HarnessError, match="neither etcdutl nor etcdctl is beside"):
        of_tmp.restore_command(LAUNCH, "/backup")
    (tmp_path / "etcdctl").touch()
    command = of_tmp.restore_command(LAUNCH, "/backup")
    (tmp_path / "etcdutl").touch()

    assert command == (
        str(tmp_path / "etcdctl"),
        *("snapshot", "restore", "/backup"),
        *("--name=n2", "--data-dir=/data"),
        "--initial-advertise-peer-urls=http://h:4",
        "--initial-cluster=n1=http://h:2,n2=http://h:4",
        "--initial-cluster-token=t",
    )
    assert of_tmp.restore_command(LAUNCH, "/backup")[0] == str(tmp_path / "etcdutl")
    assert MixedEtcd({"n2": of_tmp}).restore_command(LAUNCH, "/backup")[1:] == command[1:]
