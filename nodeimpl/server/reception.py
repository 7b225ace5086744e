"""Where calls of clients come in: who calls, whether they may now, and on to the node."""

from typing import Final, TypeAlias

from nodeimpl.api.errors import NO_LEADER, NOT_SUPPORTED_FOR_LEARNER
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import RangeRequest
from nodeimpl.boundary import ByCertificate, ByToken, Credentials
from nodeimpl.server.driver import ApiFailure, Driver
from nodeimpl.server.grpc_serving import Context, requires_leader
from nodeimpl.server.signed_tokens import SignedTokens

TOKEN_FIELDS: Final = ("token", "authorization")
"""Of a call's metadata (etcd, rpctypes: TokenFieldNameGRPC, TokenFieldNameSwagger)."""
_COMMON_NAME: Final = "x509_common_name"

Caller: TypeAlias = Credentials | None
"""What whoever calls shows; None if nothing, or if nobody has to."""


class Reception:
    """Receives the calls of all services."""

    def __init__(
        self, driver: Driver, *, by_certificate: bool, signed: SignedTokens | None = None
    ) -> None:
        """With `by_certificate`, who shows no token is who their certificate says.

        `signed` reads tokens that say whose they are; None where the node remembers them.
        """
        self.driver = driver
        self.signed = signed
        self._by_certificate = by_certificate

    def caller(self, context: Context) -> Caller:
        """Return what the caller shows; nobody has to while authentication is off."""
        if not self.driver.node.store.auth.enabled:
            return None
        metadata = context.invocation_metadata() or ()
        for key, value in metadata:
            if key in TOKEN_FIELDS:
                return self._shown(value if isinstance(value, str) else value.decode("latin-1"))
        if self._by_certificate:
            names = context.auth_context().get(_COMMON_NAME, ())
            for name in names:
                return ByCertificate(bytes(name).decode("utf-8", "replace"))
        return None

    def _shown(self, token: str) -> Credentials:
        """Return what a token says; one that is not genuine is the node's to refuse."""
        claims = self.signed.claims_of(token) if self.signed is not None else None
        return ByToken(token) if claims is None else claims

    async def ask(self, request: ApiRequest, context: Context) -> ApiResponse:
        """Return the node's answer; raise `ApiFailure` if that is an error."""
        self.admit(context, request)
        return await self.driver.ask(request, self.caller(context))

    def admit(self, context: Context, request: object = None) -> None:
        """Raise `ApiFailure` if this node does not take such calls now (etcd, interceptor.go).

        A learner answers nothing but serializable ranges. Who wants a leader is told if there is
        none, instead of waiting for one.
        """
        node = self.driver.node
        if node.raft.leader is None and requires_leader(context):
            raise ApiFailure(NO_LEADER)
        if node.config.node_id in node.raft.configuration.learners and not (
            isinstance(request, RangeRequest) and request.serializable
        ):
            raise ApiFailure(NOT_SUPPORTED_FOR_LEARNER)

    def require_root(self, context: Context) -> None:
        """Raise `ApiFailure` unless the caller may do what goes past the store."""
        error = self.driver.operator_error(self.caller(context))
        if error is not None:
            raise ApiFailure(error)
