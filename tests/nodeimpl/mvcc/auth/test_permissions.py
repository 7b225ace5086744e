"""Who may do what (etcd, etcdserver/apply_auth.go; CVE-2026-33343, CVE-2026-33413)."""

import pytest

from nodeimpl.api.auth_pb2 import Permission
from nodeimpl.api.errors import (
    AUTH_OLD_REVISION,
    PERMISSION_DENIED,
    USER_EMPTY,
    ApiError,
)
from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import (
    NOSPACE,
    AlarmRequest,
    AuthDisableRequest,
    AuthRoleGetRequest,
    AuthUserGetRequest,
    AuthUserListRequest,
    AuthUserRevokeRoleRequest,
    CompactionRequest,
    Compare,
    DeleteRangeRequest,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseLeasesRequest,
    LeaseRevokeRequest,
    LeaseTimeToLiveRequest,
    MemberListRequest,
    PutRequest,
    RangeRequest,
    RequestOp,
    TxnRequest,
)
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.auth.permissions import watch_error
from nodeimpl.mvcc.key_ranges import key_range
from tests.nodeimpl.mvcc.auth.guarded import (
    READWRITE,
    Guarded,
    granting,
    put_op,
    range_op,
)


@pytest.fixture
def guarded() -> Guarded:
    """Alice reads a and writes [b, d). Lease 1 has a key she may write, lease 2 one she may not."""
    guarded = Guarded()
    for lease, key in ((1, b"c"), (2, b"z")):
        guarded.ask("root", LeaseGrantRequest(ID=lease, TTL=60))
        guarded.ask("root", PutRequest(key=key, lease=lease))
    return guarded


def nested(*ops: RequestOp) -> TxnRequest:
    return TxnRequest(success=[RequestOp(request_txn=TxnRequest(failure=ops))])


MAY: list[ApiRequest] = [
    RangeRequest(key=b"a"),
    PutRequest(key=b"b"),
    PutRequest(key=b"b", lease=1),
    DeleteRangeRequest(key=b"b", range_end=b"d"),
    TxnRequest(compare=[Compare(key=b"a")], success=[put_op(b"b")], failure=[range_op(b"a")]),
    nested(put_op(b"c"), range_op(b"a")),
    LeaseGrantRequest(TTL=60),
    LeaseKeepAliveRequest(ID=2),
    LeaseRevokeRequest(ID=1),
    LeaseTimeToLiveRequest(ID=2),
    AlarmRequest(action=AlarmRequest.GET),
    MemberListRequest(),
    AuthUserGetRequest(name="alice"),
    AuthRoleGetRequest(role="reader"),
]
MAY_NOT: list[ApiRequest] = [
    RangeRequest(key=b"b"),
    RangeRequest(key=b"a", range_end=b"b"),
    RangeRequest(key=b"a", range_end=b"\0"),
    PutRequest(key=b"a"),
    PutRequest(key=b"b", prev_kv=True),
    PutRequest(key=b"b", lease=2),
    DeleteRangeRequest(key=b"b", range_end=b"e"),
    DeleteRangeRequest(key=b"b", range_end=b"\0"),
    DeleteRangeRequest(key=b"b", prev_kv=True),
    TxnRequest(compare=[Compare(key=b"b")]),
    TxnRequest(compare=[Compare(key=b"a", range_end=b"b")]),
    TxnRequest(success=[range_op(b"z")]),
    TxnRequest(failure=[range_op(b"z")]),
    TxnRequest(success=[RequestOp(request_put=PutRequest(key=b"b", lease=2))]),
    TxnRequest(success=[RequestOp(request_put=PutRequest(key=b"b", prev_kv=True))]),
    nested(range_op(b"z")),
    nested(put_op(b"z")),
    TxnRequest(success=[RequestOp(request_txn=TxnRequest(compare=[Compare(key=b"z")]))]),
    CompactionRequest(revision=1),
    LeaseRevokeRequest(ID=2),
    LeaseTimeToLiveRequest(ID=2, keys=True),
    LeaseLeasesRequest(),
    AlarmRequest(action=AlarmRequest.DEACTIVATE),
    AuthUserGetRequest(name="root"),
    AuthRoleGetRequest(role="king"),
    AuthUserListRequest(),
    AuthDisableRequest(),
]


def numbered(requests: list[ApiRequest]) -> list[str]:
    return [f"{number}-{type(each).__name__}" for number, each in enumerate(requests)]


@pytest.mark.parametrize("request_", MAY, ids=numbered(MAY))
def test_what_alice_may(guarded: Guarded, request_: ApiRequest) -> None:
    assert guarded.error("alice", request_) is None


@pytest.mark.parametrize("request_", MAY_NOT, ids=numbered(MAY_NOT))
def test_what_alice_may_not(guarded: Guarded, request_: ApiRequest) -> None:
    assert guarded.error("alice", request_) == PERMISSION_DENIED


@pytest.mark.parametrize("request_", [*MAY, *MAY_NOT], ids=numbered([*MAY, *MAY_NOT]))
def test_root_may_everything_and_nobody_nothing(guarded: Guarded, request_: ApiRequest) -> None:
    assert guarded.error("root", request_) is None
    assert guarded.error("bob", request_) == PERMISSION_DENIED
    assert guarded.store.objection(request_, Identity("", 99)) == USER_EMPTY


def test_who_does_not_say_who_they_are_is_refused(guarded: Guarded) -> None:
    assert guarded.store.apply(PutRequest(key=b"b")) == USER_EMPTY
    assert guarded.store.read(RangeRequest(key=b"a")) == USER_EMPTY


def test_an_alarm_that_a_node_raises_needs_nobody(guarded: Guarded) -> None:
    alarm = AlarmRequest(action=AlarmRequest.ACTIVATE, memberID=1, alarm=NOSPACE)
    assert not isinstance(guarded.store.apply(alarm), ApiError)


def test_what_was_asked_under_older_rights_is_refused(guarded: Guarded) -> None:
    """See etcd, isOpPermitted: ErrAuthOldRevision."""
    before = guarded.identity("alice")
    guarded.ask("root", granting("reader", READWRITE, b"x"))
    assert guarded.store.apply(PutRequest(key=b"b"), before) == AUTH_OLD_REVISION
    assert guarded.store.read(RangeRequest(key=b"a"), before) == AUTH_OLD_REVISION


def test_root_may_make_one_change_right_after_another(guarded: Guarded) -> None:
    before = guarded.identity("root")
    guarded.ask("root", granting("reader", READWRITE, b"x"))
    assert not isinstance(
        guarded.store.apply(granting("reader", READWRITE, b"y"), before), ApiError
    )
    assert guarded.store.apply(PutRequest(key=b"b"), before) == AUTH_OLD_REVISION


def test_permissions_add_up_to_ranges(guarded: Guarded) -> None:
    """See etcd, auth/range_perm_cache.go: neighbouring and overlapping ranges count as one."""
    guarded.ask("root", granting("reader", Permission.READ, b"d", b"g"))
    guarded.ask("root", granting("writer", READWRITE, b"f", b"\0"))
    assert guarded.error("alice", RangeRequest(key=b"d", range_end=b"\0")) is None
    assert guarded.error("alice", RangeRequest(key=b"c", range_end=b"e")) == PERMISSION_DENIED


def test_what_is_revoked_is_denied_at_once(guarded: Guarded) -> None:
    assert guarded.error("alice", RangeRequest(key=b"a")) is None
    guarded.ask("root", AuthUserRevokeRoleRequest(name="alice", role="reader"))
    assert guarded.error("alice", RangeRequest(key=b"a")) == PERMISSION_DENIED


def test_a_range_of_nothing_needs_its_start(guarded: Guarded) -> None:
    assert guarded.error("alice", RangeRequest(key=b"z", range_end=b"a")) == PERMISSION_DENIED
    assert guarded.error("alice", RangeRequest(key=b"a", range_end=b"Z")) is None


def test_who_may_write_every_key_may_compact(guarded: Guarded) -> None:
    guarded.ask("root", granting("writer", Permission.WRITE, b"\0", b"\0"))
    assert guarded.error("alice", CompactionRequest(revision=1)) is None


def test_watches_need_to_read_all_they_watch(guarded: Guarded) -> None:
    book = guarded.store.auth
    assert watch_error(book, "alice", key_range(b"a", b"")) is None
    assert watch_error(book, "alice", key_range(b"a", b"c")) == PERMISSION_DENIED
    assert watch_error(book, "root", key_range(b"\0", b"\0")) is None
    assert watch_error(book, "bob", key_range(b"a", b"")) == PERMISSION_DENIED
    assert watch_error(book, None, key_range(b"a", b"")) == USER_EMPTY


def test_nobody_is_asked_while_authentication_is_disabled(guarded: Guarded) -> None:
    guarded.ask("root", AuthDisableRequest())
    assert not isinstance(guarded.store.apply(PutRequest(key=b"z")), ApiError)
    assert watch_error(guarded.store.auth, None, key_range(b"z", b"")) is None


def test_rights_hold_after_a_restart(guarded: Guarded) -> None:
    again = Guarded(guarded.backend)
    assert again.error("alice", RangeRequest(key=b"a")) is None
    assert again.error("alice", RangeRequest(key=b"b")) == PERMISSION_DENIED
    assert again.store.hash() == guarded.store.hash()
