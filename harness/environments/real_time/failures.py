"""What a failed gRPC call proves: whether the request had an effect, or may have had one.

Definite is only what cannot have reached the store's log: a connection that was never made, and
those of etcd's errors that its API documents as refusals (`nodeimpl.api.errors`, after etcd's
rpctypes/error.go). Everything else is indefinite, whatever its code says: gRPC's codes tell what
to do next, not what has happened.

Want of space is no such refusal: a member whose quota is used up carries out what entered the log
before the alarm, and answers that there was no room all the same (etcd, apply.go: quotaApplierV3).
`exact` knows better where the alarm was in force all the while.
"""

from types import MappingProxyType
from typing import Final

import grpc

from harness.client import connection_lost, connection_refused, refused, timed_out
from harness.errors import CallError
from nodeimpl.api import errors
from nodeimpl.api.errors import ApiError, GrpcCode

_NEVER_CONNECTED: Final = "failed to connect to all addresses"
"""How gRPC begins the details of a call for which it had no connection to send it on (client
channel, pick_first): nothing has left this machine."""

_ERRORS: Final = MappingProxyType(
    {error.message: error for error in vars(errors).values() if isinstance(error, ApiError)}
)

_NO_SPACE_PERHAPS: Final = ApiError(errors.NO_SPACE.code, errors.NO_SPACE.message, definite=False)
_NO_SPACE_WORDS: Final = str(refused(_NO_SPACE_PERHAPS))

_CODES: Final = MappingProxyType({code.value: code for code in GrpcCode})


def failure_of(error: grpc.aio.AioRpcError) -> CallError:
    """Return how the call failed."""
    details = error.details() or ""
    code = error.code()
    if details == errors.NO_SPACE.message:
        return refused(_NO_SPACE_PERHAPS)
    if known := _ERRORS.get(details):
        return refused(known)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return timed_out()
    if code is grpc.StatusCode.UNAVAILABLE:
        if details.startswith(_NEVER_CONNECTED):
            return connection_refused()
        if not details.startswith("etcdserver:"):
            return connection_lost()
    number: int = code.value[0]
    return refused(ApiError(_CODES.get(number, GrpcCode.UNKNOWN), details, definite=False))


def exact(error: CallError, before: int | None, after: int | None) -> CallError:
    """Return the error as definite if it is for want of space while nothing was carried out.

    `before` and `after` are the alarm known to be in force when the call was sent and when it was
    answered, None for none. Of one and the same, every entry of the log in between was refused.
    """
    if str(error) == _NO_SPACE_WORDS and before is not None and before == after:
        return refused(errors.NO_SPACE)
    return error
