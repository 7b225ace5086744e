"""A store that never fails, for workloads to be rehearsed against."""

from collections.abc import Callable

import pytest

from checkers.history import Op
from harness.client import Call, Client, Conversation, refused
from harness.rehearsal import Pretence, Pretender
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import RangeRequest
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend


def _respond(store: Store, request: ApiRequest) -> ApiResponse | ApiError:
    error = store.check(request)
    if error is not None:
        return error
    return store.read(request) if isinstance(request, RangeRequest) else store.apply(request)


@pytest.fixture(scope="session")
def new_store() -> Callable[[Client], Pretender]:
    """Return what makes, for a client, an empty store that carries out operations as asked."""

    def make(client: Client) -> Pretender:
        store = Store(MemoryBackend(), StoreConfig())

        def pretend(op: Op) -> Pretence:
            conversation = Conversation(client, op)
            following = conversation.start()
            while isinstance(following, Call):
                response = _respond(store, following.request)
                following = (
                    conversation.failed(refused(response))
                    if isinstance(response, ApiError)
                    else conversation.answered(response)
                )
            return Pretence(following)

        return pretend

    return make
