"""Operations of users as etcd calls."""

import pytest

from checkers.history import Op, OpType
from harness.auth_client import AnyAttempt, Attempt, AuthClient, TxnAttempt, message_of, needs_of
from harness.client import Call, Completion, Conversation, refused
from nodeimpl.api.auth_pb2 import Permission
from nodeimpl.api.errors import NO_LEADER, PERMISSION_DENIED, ROLE_EXISTS, USER_EXISTS
from nodeimpl.api.rpc_pb2 import (
    AuthEnableRequest,
    AuthEnableResponse,
    AuthRoleAddRequest,
    AuthRoleGrantPermissionRequest,
    AuthRoleRevokePermissionRequest,
    AuthUserAddRequest,
    AuthUserGrantRoleRequest,
    Compare,
    DeleteRangeRequest,
    PutRequest,
    PutResponse,
    RangeRequest,
    RequestOp,
    TxnRequest,
)

CLIENT = AuthClient(timeout_ns=5, users=("u",))


def conversation(f: str, value: object = None) -> Conversation:
    op = Op(index=0, time=0, process=0, type=OpType.INVOKE, f=f, value=value)
    return Conversation(CLIENT, op)


def test_authentication_is_enabled_once_all_users_are_made() -> None:
    talk = conversation("enable")
    asked: list[object] = []
    following = talk.start()
    while isinstance(following, Call):
        assert following.user == "root"
        asked.append(type(following.request))
        is_there = isinstance(following.request, AuthUserAddRequest | AuthRoleAddRequest)
        error = USER_EXISTS if isinstance(following.request, AuthUserAddRequest) else ROLE_EXISTS
        following = talk.failed(refused(error)) if is_there else talk.answered(AuthEnableResponse())
    assert following == Completion(OpType.OK)
    assert asked == [
        AuthUserAddRequest,
        AuthUserGrantRoleRequest,
        AuthRoleAddRequest,
        AuthUserAddRequest,
        AuthUserGrantRoleRequest,
        AuthEnableRequest,
    ]


def test_authentication_is_not_enabled_over_a_failure() -> None:
    talk = conversation("enable")
    talk.start()
    following = talk.failed(refused(NO_LEADER))
    assert following == Completion(OpType.FAIL, error="UNAVAILABLE: etcdserver: no leader")


@pytest.mark.parametrize(
    ("read", "write", "kind"),
    [
        (True, False, Permission.READ),
        (False, True, Permission.WRITE),
        (True, True, Permission.READWRITE),
    ],
)
def test_a_key_is_granted_and_revoked_by_root(
    *, read: bool, write: bool, kind: Permission.Type
) -> None:
    value = {"user": "u", "key": "k", "read": read, "write": write}
    granted = conversation("grant", value).start()
    permission = Permission(permType=kind, key=b"k")
    granting = AuthRoleGrantPermissionRequest(name="u", perm=permission)
    assert granted == Call(granting, 5, "root")
    revoked = conversation("revoke", value).start()
    assert revoked == Call(AuthRoleRevokePermissionRequest(role="u", key=b"k"), 5, "root")


def test_an_attempt_is_made_in_its_users_name() -> None:
    talk = conversation(
        "as-user", {"user": "u", "request": {"do": "simple", "kind": "put", "key": "k"}}
    )
    assert talk.start() == Call(PutRequest(key=b"k"), 5, "u")
    assert talk.answered(PutResponse()) == Completion(OpType.OK)


def test_what_is_denied_fails() -> None:
    talk = conversation(
        "as-user", {"user": "u", "request": {"do": "simple", "kind": "get", "key": "k"}}
    )
    talk.start()
    completion = talk.failed(refused(PERMISSION_DENIED))
    assert isinstance(completion, Completion)
    assert completion.type is OpType.FAIL
    assert completion.error is not None
    assert completion.error.endswith("permission denied")


A, B = ["a", None], ["b", "c"]
ATTEMPTS: list[tuple[AnyAttempt, object, object]] = [
    (Attempt("get", "b", "c"), RangeRequest(key=b"b", range_end=b"c"), ([B], [])),
    (Attempt("put", "a"), PutRequest(key=b"a"), ([], [A])),
    (Attempt("put", "a", prev_kv=True), PutRequest(key=b"a", prev_kv=True), ([A], [A])),
    (
        Attempt("delete", "b", "c", prev_kv=True),
        DeleteRangeRequest(key=b"b", range_end=b"c", prev_kv=True),
        ([B], [B]),
    ),
    (
        TxnAttempt(("a",), (), (TxnAttempt((), (Attempt("put", "a"),), ()),)),
        TxnRequest(
            compare=[Compare(key=b"a", target=Compare.VERSION, result=Compare.GREATER)],
            failure=[
                RequestOp(
                    request_txn=TxnRequest(success=[RequestOp(request_put=PutRequest(key=b"a"))])
                )
            ],
        ),
        ([A], [A]),
    ),
]


@pytest.mark.parametrize(("attempt", "message", "needs"), ATTEMPTS)
def test_an_attempt_is_a_request_and_what_it_needs(
    attempt: AnyAttempt, message: object, needs: object
) -> None:
    assert message_of(attempt) == message
    assert needs_of(attempt) == needs
