"""How a node knows who asks: tokens, certificates, and requests that wait for their token.

A lone leader, so that every proposal commits in the call that makes it; and a follower, to which a
leader's words are written by hand.
"""

from random import Random

import pytest

from nodeimpl.api.auth_pb2 import UserAddOptions
from nodeimpl.api.errors import (
    AUTH_OLD_REVISION,
    INVALID_AUTH_TOKEN,
    PERMISSION_DENIED,
    REQUEST_TIMED_OUT,
    USER_EMPTY,
    ApiError,
)
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    AuthDisableRequest,
    AuthEnableRequest,
    AuthenticateResponse,
    AuthUserAddRequest,
    AuthUserChangePasswordRequest,
    AuthUserDeleteRequest,
    AuthUserRevokeRoleRequest,
    LeaseGrantRequest,
    LeaseKeepAliveRequest,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    WatchCreateRequest,
    WatchRequest,
    WatchResponse,
)
from nodeimpl.boundary import (
    Authenticate,
    ByCertificate,
    ByToken,
    ClientRequest,
    Credentials,
    Effect,
    Input,
    OpenWatchStream,
    Receive,
    Reply,
    Requests,
    Wake,
    WatchReply,
    WatchStreamRequest,
)
from nodeimpl.config import NodeConfig
from nodeimpl.ids import SECOND, Instant, LogIndex, NodeId, RequestId, Term
from nodeimpl.leader_requests import encode_answer
from nodeimpl.mvcc.auth.identity import Identity, with_identity
from nodeimpl.mvcc.commands import Command, DescribeMember, encode_command
from nodeimpl.node import Node
from nodeimpl.raft.effects import Send
from nodeimpl.raft.messages import AppendEntries, Entry, EntryKind, Inquiry, InquiryReply
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend
from tests.nodeimpl.mvcc.auth.guarded import READ, granting, set_up

Body = ApiRequest | DescribeMember | Authenticate
Answer = ApiResponse | ApiError | None


class Driven:
    """A lone node that has elected itself, with root and alice; everybody is asked."""

    def __init__(self) -> None:
        config = NodeConfig(
            node_id=NodeId(1),
            cluster_id=7,
            voters=(NodeId(1),),
            incarnation=1,
            auth_token_ttl_ns=60 * SECOND,
            auth_tokens_max=2,
        )
        self.now = Instant(0)
        self.node = Node(config, Recovered(), MemoryBackend(), Random(1), self.now)
        self.now = self.node.deadline
        self.handle(Wake())
        for command in (*set_up(), AuthEnableRequest()):
            self.ask(command)  # type: ignore[arg-type]  # all of them are requests

    def handle(self, given: Input) -> list[Effect]:
        return self.node.handle(self.now, given)

    def ask(self, body: Body, credentials: Credentials | None = None) -> Answer:
        """Return the answer to a request; None if it waits."""
        effects = self.handle(Requests((ClientRequest(1, body, credentials),)))
        replies = [effect.body for effect in effects if isinstance(effect, Reply)]
        return replies[0] if replies else None

    def let_in(self, user: str, prefix: str = "chance") -> ByToken:
        answer = self.ask(Authenticate(user, self.node.store.auth.revision, prefix))
        assert isinstance(answer, AuthenticateResponse)
        return ByToken(answer.token)

    def pass_time(self, seconds: int) -> None:
        self.now = Instant(self.now + seconds * SECOND)
        self.handle(Wake())

    def watch(self, key: bytes, credentials: Credentials | None) -> WatchResponse:
        """Open stream 5 and watch a key on it; return the answer."""
        self.handle(OpenWatchStream(5, 10_000, credentials))
        body = WatchRequest(create_request=WatchCreateRequest(key=key))
        [response] = watch_replies(self.handle(WatchStreamRequest(5, body)))
        return response


@pytest.fixture
def driven() -> Driven:
    return Driven()


def watch_replies(effects: list[Effect]) -> list[WatchResponse]:
    return [effect.body for effect in effects if isinstance(effect, WatchReply)]


ROOT = ByCertificate("root")


# ------------------------------------------------------------ tokens
def test_a_token_ends_with_the_index_of_the_entry_that_gave_it(driven: Driven) -> None:
    """See etcd, auth/simple_token.go: the prefix, a dot, the index."""
    token = driven.let_in("alice", "abcdef").token
    assert token == f"abcdef.{driven.node.applied_index}"


def test_a_token_stands_for_its_user(driven: Driven) -> None:
    alice = driven.let_in("alice")
    assert isinstance(driven.ask(PutRequest(key=b"b"), alice), PutResponse)
    assert isinstance(driven.ask(RangeRequest(key=b"a"), alice), RangeResponse)
    assert driven.ask(PutRequest(key=b"z"), alice) == PERMISSION_DENIED
    assert driven.ask(RangeRequest(key=b"z"), alice) == PERMISSION_DENIED
    assert driven.ask(RangeRequest(key=b"z", serializable=True), alice) == PERMISSION_DENIED


@pytest.mark.parametrize("token", ["", "guess", "guess.", "guess.1", "guess.1x", ".", "1"])
def test_no_other_token_stands_for_anybody(driven: Driven, token: str) -> None:
    driven.let_in("alice")
    assert driven.ask(RangeRequest(key=b"a"), ByToken(token)) == INVALID_AUTH_TOKEN


def test_who_shows_nothing_is_nobody(driven: Driven) -> None:
    assert driven.ask(PutRequest(key=b"b")) == USER_EMPTY
    assert driven.ask(LeaseKeepAliveRequest(ID=1)) == USER_EMPTY


def test_a_token_lives_as_long_as_it_is_shown(driven: Driven) -> None:
    alice = driven.let_in("alice")
    for _ in range(3):
        driven.pass_time(50)
        assert isinstance(driven.ask(PutRequest(key=b"b"), alice), PutResponse)
    driven.pass_time(61)
    assert driven.ask(PutRequest(key=b"b"), alice) == INVALID_AUTH_TOKEN


def test_of_too_many_tokens_the_one_shown_longest_ago_goes(driven: Driven) -> None:
    first, second = driven.let_in("alice"), driven.let_in("alice")
    driven.ask(PutRequest(key=b"b"), first)
    driven.let_in("root")
    assert isinstance(driven.ask(PutRequest(key=b"b"), first), PutResponse)
    assert driven.ask(PutRequest(key=b"b"), second) == INVALID_AUTH_TOKEN


@pytest.mark.parametrize(
    "command",
    [
        AuthUserDeleteRequest(name="alice"),
        AuthUserChangePasswordRequest(name="alice", hashedPassword=""),
        AuthDisableRequest(),
    ],
)
def test_a_token_ends_with_what_it_stood_for(driven: Driven, command: ApiRequest) -> None:
    alice, root = driven.let_in("alice"), driven.let_in("root")
    assert not isinstance(driven.ask(command, root), ApiError)
    driven.ask(AuthEnableRequest(), ROOT)
    assert driven.ask(PutRequest(key=b"b"), alice) == INVALID_AUTH_TOKEN


def test_a_token_that_is_not_known_yet_is_waited_for(driven: Driven) -> None:
    """See etcd, isValidSimpleToken."""
    index = driven.node.applied_index + 2
    assert driven.ask(PutRequest(key=b"b"), ByToken(f"later.{index}")) is None
    effects = [
        effect
        for tag, body in ((2, PutRequest(key=b"c")), (3, authenticate(driven, "later")))
        for effect in driven.handle(Requests((ClientRequest(tag, body, ROOT),)))
    ]
    answers = {effect.tag: effect.body for effect in effects if isinstance(effect, Reply)}
    assert isinstance(answers[3], AuthenticateResponse)
    assert answers[3].token == f"later.{index}"
    assert isinstance(answers[1], PutResponse)


def authenticate(driven: Driven, prefix: str) -> Authenticate:
    return Authenticate("alice", driven.node.store.auth.revision, prefix)


def test_a_token_that_never_comes_is_not_waited_for_for_ever(driven: Driven) -> None:
    assert driven.ask(PutRequest(key=b"b"), ByToken("never.999999")) is None
    driven.now = Instant(driven.now + driven.node.config.request_timeout_ns)
    replies = [each.body for each in driven.handle(Wake()) if isinstance(each, Reply)]
    assert replies == [REQUEST_TIMED_OUT]


def test_a_password_that_was_compared_among_other_users_lets_nobody_in(driven: Driven) -> None:
    before = driven.node.store.auth.revision
    driven.ask(granting("reader", READ, b"x"), ROOT)
    assert driven.ask(Authenticate("alice", before, "x")) == AUTH_OLD_REVISION


# ------------------------------------------------------------ certificates, operators, nodes
def test_a_certificate_names_the_user(driven: Driven) -> None:
    assert isinstance(driven.ask(PutRequest(key=b"b"), ByCertificate("alice")), PutResponse)
    assert driven.ask(PutRequest(key=b"b"), ByCertificate("mallory")) == PERMISSION_DENIED


def test_operators_must_be_root(driven: Driven) -> None:
    def error(credentials: Credentials | None) -> ApiError | None:
        node = driven.node
        return node.authorization.operator_error(
            driven.now, node.store, node.applied_index, credentials
        )

    assert error(ROOT) is None
    assert error(driven.let_in("root")) is None
    assert error(ByCertificate("alice")) == PERMISSION_DENIED
    assert error(ByToken("guess.1")) == INVALID_AUTH_TOKEN
    assert error(ByToken("later.99999")) == INVALID_AUTH_TOKEN
    assert error(None) == USER_EMPTY
    driven.ask(AuthDisableRequest(), ROOT)
    assert error(None) is None


def test_what_the_daemon_says_of_a_member_is_in_nobodys_name(driven: Driven) -> None:
    described = driven.ask(DescribeMember(NodeId(1), name="one"))
    assert not isinstance(described, ApiError)


def test_what_only_the_leader_answers_needs_a_user_too(driven: Driven) -> None:
    driven.ask(PutRequest(key=b"z"), ROOT)
    asked = LeaseTimeToLiveRequest(ID=4, keys=True)
    assert driven.ask(asked, ByCertificate("mallory")) == PERMISSION_DENIED
    assert not isinstance(driven.ask(asked, ByCertificate("alice")), ApiError)


# ------------------------------------------------------------ watches
def test_a_watch_needs_the_right_to_read(driven: Driven) -> None:
    response = driven.watch(b"z", driven.let_in("alice"))
    assert (response.created, response.canceled, response.watch_id) == (True, True, -1)
    assert response.cancel_reason == (
        "rpc error: code = PermissionDenied desc = etcdserver: permission denied"
    )


def test_a_watch_of_nobody_is_refused(driven: Driven) -> None:
    response = driven.watch(b"a", None)
    assert response.cancel_reason == (
        "rpc error: code = InvalidArgument desc = etcdserver: user name is empty"
    )


def test_a_watch_with_a_wrong_token_is_refused(driven: Driven) -> None:
    response = driven.watch(b"a", ByToken("guess.1"))
    assert response.cancel_reason == (
        "rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"
    )


def test_a_watch_ends_with_the_right_to_read(driven: Driven) -> None:
    assert not driven.watch(b"a", driven.let_in("alice")).canceled
    revoking = AuthUserRevokeRoleRequest(name="alice", role="reader")
    effects = driven.handle(Requests((ClientRequest(1, revoking, ROOT),)))
    [end] = watch_replies(effects)
    assert (end.canceled, end.watch_id) == (True, 0)
    assert (
        watch_replies(driven.handle(Requests((ClientRequest(1, PutRequest(key=b"a"), ROOT),))))
        == []
    )


def test_a_watch_that_goes_on_outlives_other_changes(driven: Driven) -> None:
    assert not driven.watch(b"a", driven.let_in("alice")).canceled
    adding = AuthUserAddRequest(name="bob", options=UserAddOptions(no_password=True))
    assert watch_replies(driven.handle(Requests((ClientRequest(1, adding, ROOT),)))) == []
    [events] = watch_replies(
        driven.handle(Requests((ClientRequest(1, PutRequest(key=b"a"), ROOT),)))
    )
    assert len(events.events) == 1


def test_a_watch_from_before_anybody_was_asked_ends(driven: Driven) -> None:
    driven.ask(AuthDisableRequest(), ROOT)
    assert not driven.watch(b"a", None).canceled
    effects = driven.handle(Requests((ClientRequest(1, AuthEnableRequest()),)))
    [end] = watch_replies(effects)
    assert end.canceled


class Followed:
    """A follower whose leader's words are written by hand, and alice's question on its way."""

    def __init__(self) -> None:
        voters = (NodeId(1), NodeId(2), NodeId(3))
        config = NodeConfig(node_id=NodeId(1), cluster_id=7, voters=voters, incarnation=1)
        self.now, self.term = Instant(0), Term(1)
        self.node = Node(config, Recovered(), MemoryBackend(), Random(1), self.now)
        self.index = LogIndex(0)
        for command in (*set_up(), AuthEnableRequest(), LeaseGrantRequest(ID=9, TTL=60)):
            self.learn(command)

    def learn(self, command: Command) -> None:
        """Have the leader commit a command."""
        before, self.index = self.index, LogIndex(self.index + 1)
        data = encode_command(RequestId(1_000 + self.index), command)
        identity = None if isinstance(command, DescribeMember) else self.root()
        entry = Entry(self.term, self.index, EntryKind.COMMAND, with_identity(data, identity))
        term = self.term if before else Term(0)
        message = AppendEntries(self.term, before, term, (entry,), self.index, 1)
        self.node.handle(self.now, Receive(NodeId(2), message))

    def root(self) -> Identity | None:
        book = self.node.store.auth
        return Identity("root", book.revision) if book.enabled else None

    def ask(self) -> RequestId:
        """Have alice ask for the keys of the lease; return the id of the question."""
        body = LeaseTimeToLiveRequest(ID=9, keys=True)
        request = ClientRequest(1, body, ByCertificate("alice"))
        effects = self.node.handle(self.now, Requests((request,)))
        [inquiry] = [each.message for each in effects if isinstance(each, Send)]
        assert isinstance(inquiry, Inquiry)
        return inquiry.request_id

    def answer(self, request_id: RequestId, *keys: bytes) -> Answer:
        """Have the leader answer with these keys; return what alice is told."""
        response = LeaseTimeToLiveResponse(ID=9, TTL=50, grantedTTL=60, keys=keys)
        message = InquiryReply(self.term, request_id, encode_answer(response))
        effects = self.node.handle(self.now, Receive(NodeId(2), message))
        [reply] = [effect.body for effect in effects if isinstance(effect, Reply)]
        return reply


def test_keys_that_one_may_read_are_told() -> None:
    followed = Followed()
    told = followed.answer(followed.ask(), b"a")
    assert isinstance(told, LeaseTimeToLiveResponse)
    assert list(told.keys) == [b"a"]


def test_a_key_of_which_only_the_leader_knew_is_not_told_to_who_may_not_read_it() -> None:
    followed = Followed()
    assert followed.answer(followed.ask(), b"a", b"z") is PERMISSION_DENIED


def test_keys_are_not_told_once_rights_have_changed() -> None:
    followed = Followed()
    question = followed.ask()
    followed.learn(AuthUserRevokeRoleRequest(name="alice", role="reader"))
    assert followed.answer(question, b"a") is AUTH_OLD_REVISION
