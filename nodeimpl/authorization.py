"""Who asks: tokens, and what they stand for (etcd, auth/simple_token.go).

A token is given out by the command that lets its user in: every node that applies it knows the
token, and whose it is. It ends with the index of that command's entry, so that a node to which it
is shown sooner knows to wait (as etcd). Tokens are not kept over a restart, nor over a snapshot;
each node forgets one that was not shown to it for its time to live.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, assert_never, get_args

import msgspec

from nodeimpl.api.errors import (
    INVALID_AUTH_TOKEN,
    PERMISSION_DENIED,
    USER_EMPTY,
    ApiError,
)
from nodeimpl.api.requests import ApiResponse, AuthRequest, LeaderResponse
from nodeimpl.api.rpc_pb2 import (
    AuthDisableRequest,
    AuthenticateResponse,
    AuthUserChangePasswordRequest,
    AuthUserDeleteRequest,
    LeaseTimeToLiveResponse,
)
from nodeimpl.boundary import ByCertificate, ByClaims, ByToken, ClientRequest, Credentials, Reply
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant, LogIndex, RequestId
from nodeimpl.mvcc.auth.book import AuthBook
from nodeimpl.mvcc.auth.commands import Authenticate
from nodeimpl.mvcc.auth.identity import Identity
from nodeimpl.mvcc.auth.permissions import admin_error, identity_error, watch_error
from nodeimpl.mvcc.commands import Command, DescribeMember
from nodeimpl.mvcc.key_ranges import KeyRange, key_range
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.watch.hub import WatchHub
from nodeimpl.routing import LEADER_REQUESTS

AUTH_COMMANDS: Final[frozenset[type]] = frozenset((*get_args(AuthRequest), Authenticate))
"""The commands of which `applied` is to be told."""

_NEEDS_NOBODY: Final = (Authenticate, DescribeMember)
"""What is not asked in anybody's name: to be let in; what a node says of itself, or an operator,
whom the driver has asked who they are (see `boundary`)."""

Admission: TypeAlias = Identity | ApiError | LogIndex | None
"""Who asks; why they may not; the index to apply before that can be told; None for nobody."""


class Admitted(msgspec.Struct, frozen=True):
    """Requests of which it is known who asks."""

    requests: tuple[ClientRequest, ...]
    identities: Mapping[int, Identity]
    """By tag; what is asked in nobody's name is left out."""
    refusals: tuple[Reply, ...]
    """To the others, but for those that wait."""


class Authorization:
    """The tokens that one node knows, and whom it last told its watchers of."""

    __slots__ = ("_seen", "_tokens", "_tokens_max", "_ttl_ns", "parked")

    def __init__(self, config: NodeConfig) -> None:
        self._ttl_ns = config.auth_token_ttl_ns
        self._tokens_max = config.auth_tokens_max
        self._tokens: dict[str, tuple[str, Instant]] = {}
        """Users by token, and when each was shown last; the longest ago comes first."""
        self.parked: list[tuple[LogIndex, RequestId, ClientRequest]] = []
        """Requests that show tokens which are known once so much is applied."""
        self._seen: tuple[bool, int] = (False, 0)
        """Whether everybody had to say who they are, and the auth revision, at the last look."""

    # ------------------------------------------------------------ who asks
    def admit(
        self,
        now: Instant,
        book: AuthBook,
        applied_index: LogIndex,
        credentials: Credentials | None,
    ) -> Admission:
        """Return who shows these credentials, while everybody must say who they are."""
        match credentials:
            case None:
                return USER_EMPTY
            case ByCertificate(common_name=common_name):
                return Identity(common_name, book.revision)
            case ByClaims(user=user, auth_revision=auth_revision):
                return Identity(user, auth_revision)
            case ByToken(token=token):
                return self._owner(now, book, applied_index, token)
            case _:
                assert_never(credentials)

    def admit_all(
        self,
        now: Instant,
        store: Store,
        applied_index: LogIndex,
        requests: Sequence[ClientRequest],
        wait: Callable[[int], RequestId],
    ) -> Admitted:
        """Return the requests of which it is known who asks, while everybody must say it.

        The others are refused, or wait until their token is known here; `wait` makes an id for one
        that does, given its tag.
        """
        admitted: list[ClientRequest] = []
        identities: dict[int, Identity] = {}
        refusals: list[Reply] = []
        for request in requests:
            admission = self._admit_request(now, store, applied_index, request)
            if isinstance(admission, ApiError):
                refusals.append(Reply(request.tag, admission))
            elif isinstance(admission, int):
                self.parked.append((LogIndex(admission), wait(request.tag), request))
            else:
                admitted.append(request)
                if admission is not None:
                    identities[request.tag] = admission
        return Admitted(tuple(admitted), identities, tuple(refusals))

    def unparked(self, applied_index: LogIndex) -> list[tuple[RequestId, ClientRequest]]:
        """Return, and let go, the requests that wait for no more than this to be applied."""
        due = [(each[1], each[2]) for each in self.parked if each[0] <= applied_index]
        self.parked = [each for each in self.parked if each[0] > applied_index]
        return due

    def _admit_request(
        self, now: Instant, store: Store, applied_index: LogIndex, request: ClientRequest
    ) -> Admission:
        """Return who asks, while everybody must say it; None for what is in nobody's name.

        What only the leader answers is judged by what this node knows: the log does not hold it.
        """
        body = request.body
        if isinstance(body, _NEEDS_NOBODY):
            return None
        admission = self.admit(now, store.auth, applied_index, request.credentials)
        if isinstance(body, LEADER_REQUESTS) and isinstance(admission, Identity):
            return store.objection(body, admission) or admission
        return admission

    def _owner(
        self, now: Instant, book: AuthBook, applied_index: LogIndex, token: str
    ) -> Identity | ApiError | LogIndex:
        index = index_of(token)
        if index is None:
            return INVALID_AUTH_TOKEN
        if index > applied_index:
            return index
        user, shown_at = self._tokens.pop(token, ("", now))
        if not user or now - shown_at > self._ttl_ns:
            return INVALID_AUTH_TOKEN
        self._tokens[token] = (user, now)
        return Identity(user, book.revision)

    def operator_error(
        self,
        now: Instant,
        store: Store,
        applied_index: LogIndex,
        credentials: Credentials | None,
    ) -> ApiError | None:
        """Return why who shows these credentials may not do what only root may."""
        book = store.auth
        if not book.enabled:
            return None
        admission = self.admit(now, book, applied_index, credentials)
        if isinstance(admission, ApiError):
            return admission
        if isinstance(admission, Identity):
            return admin_error(book, admission)
        return INVALID_AUTH_TOKEN  # Not known here yet.

    # ------------------------------------------------------------ what is applied
    def applied(
        self,
        now: Instant,
        index: LogIndex,
        command: Command,
        outcome: ApiResponse | ApiError,
    ) -> None:
        """Note what an entry has changed, and put the token into the answer to `Authenticate`."""
        if isinstance(outcome, ApiError):
            return
        match command:
            case Authenticate() if isinstance(outcome, AuthenticateResponse):
                outcome.token = f"{command.token_prefix}.{index}"
                self._give(now, outcome.token, command.user)
            case AuthUserDeleteRequest() | AuthUserChangePasswordRequest():
                self._forget(command.name)
            case AuthDisableRequest():
                self._tokens.clear()
            case _:
                pass

    def restored(self, book: AuthBook, hub: WatchHub) -> None:
        """Forget all tokens: a snapshot has skipped the entries that would have ended some."""
        self._tokens.clear()
        self.look(book, hub)

    def look(self, book: AuthBook, hub: WatchHub) -> None:
        """Cancel the watchers that may no longer read, if rights have changed since last time."""
        seen = (book.enabled, book.revision)
        if seen != self._seen:
            self._seen = seen
            hub.recheck(lambda user, keys: watch_error(book, user, keys))

    def _give(self, now: Instant, token: str, user: str) -> None:
        for old, (_, shown_at) in list(self._tokens.items()):
            if now - shown_at <= self._ttl_ns and len(self._tokens) < self._tokens_max:
                break
            del self._tokens[old]
        self._tokens[token] = (user, now)

    def _forget(self, user: str) -> None:
        self._tokens = {token: owner for token, owner in self._tokens.items() if owner[0] != user}


def disclosed(
    book: AuthBook, identity: Identity | None, response: LeaderResponse
) -> LeaderResponse | ApiError:
    """Return the leader's answer, or why who asked may not be shown it.

    What was permitted when it was asked may not be now, and keys may have been tied to the lease
    that this node did not know of (etcd looks at the auth revision again, not at the keys).
    """
    if not book.enabled or not isinstance(response, LeaseTimeToLiveResponse) or not response.keys:
        return response
    error = identity_error(book, identity)
    if error is not None or identity is None or book.is_root(identity.user):
        return error or response
    grants = book.grants_of(identity.user)
    may_read = all(grants.may_read(key_range(key, b"")) for key in response.keys)
    return response if may_read else PERMISSION_DENIED


def index_of(token: str) -> LogIndex | None:
    """Return the index of the entry that gave out a token; None if it is no token of ours."""
    _, dot, index = token.rpartition(".")
    return LogIndex(int(index)) if dot and index.isascii() and index.isdigit() else None


def watch_admission(
    admission: Admission, book: AuthBook, keys: KeyRange
) -> tuple[str | None, ApiError | None]:
    """Return who wants to watch these keys, and why they may not.

    A token that this node will know only later is refused: the client asks again.
    """
    if isinstance(admission, ApiError):
        return None, admission
    if isinstance(admission, Identity):
        return admission.user, watch_error(book, admission.user, keys)
    return None, INVALID_AUTH_TOKEN
