"""How etcd's services hang on gRPC: handlers by name, and errors with etcd's codes and messages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NoReturn, TypeAlias, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from nodeimpl.server.driver import ApiFailure

Request = TypeVar("Request", bound=Message)
Context: TypeAlias = "grpc.aio.ServicerContext[Message, Message]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Message, Message]"
Service: TypeAlias = tuple[str, dict[str, Handler]]
"""A service's full name, and its handlers by method."""

STATUS_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
"""gRPC's codes by number."""


REQUIRES_LEADER: Final = ("hasleader", "true")
"""What such a client says in its metadata."""


async def abort(context: Context, failure: ApiFailure) -> NoReturn:
    """End the call with an error, as etcd does."""
    error = failure.error
    await context.abort(STATUS_CODES[error.code], error.message)


def _serialize(response: Message) -> bytes:
    return response.SerializeToString()


def unary(
    answer: Callable[[Request, Context], Awaitable[Message]], request_type: type[Request]
) -> Handler:
    """Return the handler of a call with one request and one response."""

    async def serve(request: Request, context: Context) -> Message:
        try:
            return await answer(request, context)
        except ApiFailure as failure:
            await abort(context, failure)

    return grpc.unary_unary_rpc_method_handler(
        serve, request_deserializer=request_type.FromString, response_serializer=_serialize
    )


def streaming(
    answer: Callable[[Request, Context], AsyncIterator[Message]], request_type: type[Request]
) -> Handler:
    """Return the handler of a call with one request and many responses."""

    async def serve(request: Request, context: Context) -> AsyncIterator[Message]:
        try:
            async for response in answer(request, context):
                yield response
        except ApiFailure as failure:
            await abort(context, failure)

    return grpc.unary_stream_rpc_method_handler(
        serve, request_deserializer=request_type.FromString, response_serializer=_serialize
    )


def both_streaming(
    answer: Callable[[AsyncIterator[Request], Context], AsyncIterator[Message]],
    request_type: type[Request],
) -> Handler:
    """Return the handler of a call with many requests and many responses."""

    async def serve(requests: AsyncIterator[Request], context: Context) -> AsyncIterator[Message]:
        try:
            async for response in answer(requests, context):
                yield response
        except ApiFailure as failure:
            await abort(context, failure)

    return grpc.stream_stream_rpc_method_handler(
        serve, request_deserializer=request_type.FromString, response_serializer=_serialize
    )


def requires_leader(context: Context) -> bool:
    """Return whether the client rather has an error than wait for a leader (etcd, rpctypes)."""
    return any(
        (key, value) == REQUIRES_LEADER for key, value in context.invocation_metadata() or ()
    )
