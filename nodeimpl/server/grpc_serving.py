"""How etcd's services hang on gRPC: handlers by name, and errors with etcd's codes and messages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NoReturn, TypeAlias, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from nodeimpl.server.call_counts import CallCount
from nodeimpl.server.driver import ApiFailure

Request = TypeVar("Request", bound=Message)
Context: TypeAlias = "grpc.aio.ServicerContext[Message, Message]"
Handler: TypeAlias = "Callable[[CallCount], grpc.RpcMethodHandler[Message, Message]]"
"""Gives gRPC's own handler, which counts its calls."""
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


def _reader(request_type: type[Request], count: CallCount) -> Callable[[bytes], Request]:
    """Return what reads messages of one method, and counts them."""
    parse, took = request_type.FromString, count.took

    def read(data: bytes) -> Request:
        took(data)
        return parse(data)

    return read


def _writer(count: CallCount) -> Callable[[Message], bytes]:
    """Return what writes messages of one method, and counts them."""
    gave = count.gave

    def write(response: Message) -> bytes:
        data = response.SerializeToString()
        gave(data)
        return data

    return write


def unary(
    answer: Callable[[Request, Context], Awaitable[Message]], request_type: type[Request]
) -> Handler:
    """Return the handler of a call with one request and one response."""

    def handler(count: CallCount) -> "grpc.RpcMethodHandler[Message, Message]":
        async def serve(request: Request, context: Context) -> Message:
            count.started += 1
            try:
                response = await answer(request, context)
            except ApiFailure as failure:
                count.over(STATUS_CODES[failure.error.code])
                await abort(context, failure)
            count.over(grpc.StatusCode.OK)
            return response

        return grpc.unary_unary_rpc_method_handler(
            serve,
            request_deserializer=_reader(request_type, count),
            response_serializer=_writer(count),
        )

    return handler


def streaming(
    answer: Callable[[Request, Context], AsyncIterator[Message]], request_type: type[Request]
) -> Handler:
    """Return the handler of a call with one request and many responses."""

    def handler(count: CallCount) -> "grpc.RpcMethodHandler[Message, Message]":
        async def serve(request: Request, context: Context) -> AsyncIterator[Message]:
            async for response in _streamed(answer(request, context), context, count):
                yield response

        return grpc.unary_stream_rpc_method_handler(
            serve,
            request_deserializer=_reader(request_type, count),
            response_serializer=_writer(count),
        )

    return handler


def both_streaming(
    answer: Callable[[AsyncIterator[Request], Context], AsyncIterator[Message]],
    request_type: type[Request],
) -> Handler:
    """Return the handler of a call with many requests and many responses."""

    def handler(count: CallCount) -> "grpc.RpcMethodHandler[Message, Message]":
        async def serve(
            requests: AsyncIterator[Request], context: Context
        ) -> AsyncIterator[Message]:
            async for response in _streamed(answer(requests, context), context, count):
                yield response

        return grpc.stream_stream_rpc_method_handler(
            serve,
            request_deserializer=_reader(request_type, count),
            response_serializer=_writer(count),
        )

    return handler


async def _streamed(
    responses: AsyncIterator[Message], context: Context, count: CallCount
) -> AsyncIterator[Message]:
    """Yield the responses; end the call with the error that ends them, if any does."""
    count.started += 1
    try:
        async for response in responses:
            yield response
    except ApiFailure as failure:
        count.over(STATUS_CODES[failure.error.code])
        await abort(context, failure)
    count.over(grpc.StatusCode.OK)


def requires_leader(context: Context) -> bool:
    """Return whether the client rather has an error than wait for a leader (etcd, rpctypes)."""
    return any(
        (key, value) == REQUIRES_LEADER for key, value in context.invocation_metadata() or ()
    )
