"""A store that never fails, for workloads to be rehearsed against."""

from collections.abc import Callable
from random import Random

import pytest

from checkers.history import Op
from harness.client import Call, Client, Conversation, Maintenance, refused
from harness.rehearsal import Pretence, Pretender
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiResponse
from nodeimpl.boundary import ByCertificate, ClientRequest, Reply, Requests, Wake
from nodeimpl.config import NodeConfig
from nodeimpl.ids import Instant, NodeId
from nodeimpl.node import Node
from nodeimpl.raft.state import Recovered
from nodeimpl.storage.memory_backend import MemoryBackend


def _respond(node: Node, now: Instant, call: Call) -> ApiResponse | ApiError:
    """Return the answer of a node that is alone, and so gives it at once. Time stands still."""
    who = None if call.user is None else ByCertificate(call.user)
    request = call.request
    assert not isinstance(request, Maintenance), "it has nothing to maintain"
    effects = node.handle(now, Requests((ClientRequest(1, request, who),)))
    [reply] = [effect for effect in effects if isinstance(effect, Reply)]
    return reply.body


def _lone_leader() -> Node:
    config = NodeConfig(node_id=NodeId(1), cluster_id=1, voters=(NodeId(1),), incarnation=1)
    node = Node(config, Recovered(), MemoryBackend(), Random(1), Instant(0))
    node.handle(node.deadline, Wake())
    return node


@pytest.fixture(scope="session")
def new_store() -> Callable[[Client], Pretender]:
    """Return what makes, for a client, an empty store that carries out operations as asked."""

    def make(client: Client) -> Pretender:
        node = _lone_leader()
        now = node.deadline

        def pretend(op: Op) -> Pretence:
            conversation = Conversation(client, op)
            following = conversation.start()
            while isinstance(following, Call):
                response = _respond(node, now, following)
                following = (
                    conversation.failed(refused(response))
                    if isinstance(response, ApiError)
                    else conversation.answered(response)
                )
            return Pretence(following)

        return pretend

    return make
