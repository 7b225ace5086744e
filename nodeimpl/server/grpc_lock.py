"""etcd's Lock service (etcd, etcdserver/api/v3lock)."""

import asyncio

from google.protobuf.message import Message

from nodeimpl.api.lock_pb2 import LockRequest, LockResponse, UnlockRequest, UnlockResponse
from nodeimpl.api.rpc_pb2 import DeleteRangeRequest, DeleteRangeResponse
from nodeimpl.server.grpc_serving import Context, Service, unary
from nodeimpl.server.reception import Reception
from nodeimpl.server.succession import Succession


def lock_service(reception: Reception) -> Service:
    """Return the service."""

    async def lock(request: LockRequest, context: Context) -> Message:
        """Wait until the lock is held; whoever gives up meanwhile leaves the queue."""
        reception.admit(context)
        succession = Succession(reception.driver, reception.caller(context), request.name)
        place = await succession.join(request.lease, b"")
        try:
            header = await succession.wait_until_first(place)
        except BaseException:
            await asyncio.shield(asyncio.ensure_future(succession.leave(place)))
            raise
        return LockResponse(header=header, key=place.key)

    async def unlock(request: UnlockRequest, context: Context) -> Message:
        response = await reception.ask(DeleteRangeRequest(key=request.key), context)
        assert isinstance(response, DeleteRangeResponse), "the answer to a delete"
        return UnlockResponse(header=response.header)

    return "v3lockpb.Lock", {
        "Lock": unary(lock, LockRequest),
        "Unlock": unary(unlock, UnlockRequest),
    }
