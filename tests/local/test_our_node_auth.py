"""Who may do what past the store: only root, and only with what proves it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from nodeimpl.api.rpc_pb2 import (
    AuthenticateRequest,
    AuthenticateResponse,
    RangeRequest,
    RangeResponse,
)
from tests.local.our_cluster import Cluster, Member, running, wait_until

pytestmark = pytest.mark.local

ROOT = "--user=root:secret"
ALICE = "--user=alice:wonder"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(Cluster(tmp_path_factory.mktemp("guarded"), 1)) as cluster:
        cluster.out("user", "add", "root:secret")
        cluster.out("user", "grant-role", "root", "root")
        cluster.out("user", "add", "alice:wonder")
        cluster.out("auth", "enable")
        yield cluster


OPERATIONS = [
    ("defrag",),
    ("endpoint", "hashkv"),
    ("member", "add", "x", "--peer-urls=http://127.0.0.1:1"),
    ("member", "remove", "123"),
    ("member", "update", "123", "--peer-urls=http://127.0.0.1:1"),
    ("member", "promote", "123"),
    ("compact", "1"),
    ("user", "list"),
    ("auth", "disable"),
]


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
@pytest.mark.parametrize("user", [(), (ALICE,)], ids=["nobody", "alice"])
def test_what_is_root_s_is_refused_to_others(
    guarded: Cluster, user: tuple[str, ...], operation: tuple[str, ...]
) -> None:
    refused = guarded.ctl(*user, *operation, check=False)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "permission denied" in said or "user name is empty" in said


@pytest.mark.parametrize("user", [(), (ALICE,)], ids=["nobody", "alice"])
def test_a_snapshot_is_not_given_to_others(
    guarded: Cluster, tmp_path: Path, user: tuple[str, ...]
) -> None:
    refused = guarded.ctl(*user, "snapshot", "save", str(tmp_path / "s.db"), check=False)
    assert refused.returncode != 0
    assert not (tmp_path / "s.db").exists()


@pytest.mark.parametrize("user", ["alice:wrong", "nobody:wonder", "root:wonder"])
def test_a_wrong_password_lets_nobody_in(guarded: Cluster, user: str) -> None:
    assert guarded.ctl(f"--user={user}", "get", "k", check=False).returncode != 0


def test_root_may_do_it_all(guarded: Cluster, tmp_path: Path) -> None:
    guarded.out(ROOT, "put", "k", "v")
    guarded.out(ROOT, "defrag")
    guarded.out(ROOT, "snapshot", "save", str(tmp_path / "s.db"))
    assert (tmp_path / "s.db").exists()


def test_watches_show_only_what_may_be_read(guarded: Cluster) -> None:
    refused = guarded.ctl(ALICE, "watch", "secret", "--rev=1", check=False)
    assert "permission denied" in refused.stdout + refused.stderr


def test_signed_tokens_hold_at_every_member_and_over_a_restart(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"some bytes that nobody else can know" * 2)
    flags = (f"--auth-token=jwt,sign-method=HS256,priv-key={tmp_path / 'secret'}",)
    with running(Cluster(tmp_path, 3, flags=flags)) as cluster:
        cluster.out("user", "add", "root:secret")
        cluster.out("user", "grant-role", "root", "root")
        cluster.out("auth", "enable")
        token = let_in(cluster.members[0], "root", "secret")
        assert token.count(".") == 2
        for member in cluster.members[1:]:
            member.end(signal.SIGKILL)
            member.start(cluster.initial)
        for member in cluster.members:
            wait_until(lambda member=member: may_read(member, token))
            assert not may_read(member, f"{token[:-4]}AAAA")
        cluster.out(ROOT, "user", "add", "bob:builder")
        assert not may_read(cluster.members[0], token)  # Users are others than it was made for.
        assert cluster.out(ROOT, "put", "k", "v") == "OK\n"


def let_in(member: Member, user: str, password: str) -> str:
    """Return the token that the member gives out."""
    with grpc.insecure_channel(member.client.removeprefix("http://")) as channel:
        authenticate: grpc.UnaryUnaryMultiCallable[AuthenticateRequest, AuthenticateResponse] = (
            channel.unary_unary(
                "/etcdserverpb.Auth/Authenticate",
                request_serializer=AuthenticateRequest.SerializeToString,
                response_deserializer=AuthenticateResponse.FromString,
            )
        )
        return authenticate(AuthenticateRequest(name=user, password=password)).token


def may_read(member: Member, token: str) -> bool:
    """Return whether the member answers a read to who shows this token."""
    with grpc.insecure_channel(member.client.removeprefix("http://")) as channel:
        read: grpc.UnaryUnaryMultiCallable[RangeRequest, RangeResponse] = channel.unary_unary(
            "/etcdserverpb.KV/Range",
            request_serializer=RangeRequest.SerializeToString,
            response_deserializer=RangeResponse.FromString,
        )
        try:
            read(RangeRequest(key=b"k"), metadata=(("token", token),), timeout=10)
        except grpc.RpcError:
            return False
        return True
