"""Our node and a real etcd, side by side: what one answers, the other must answer.

Sequences are drawn, sent to both, and compared field by field; only the ids of cluster and member
and the term may differ. `QUORATE_SEQUENCES` says how many (2000 take a few minutes).
"""

import os

import pytest
from hypothesis import HealthCheck, example, given, settings

from nodeimpl.api.requests import KvRequest
from nodeimpl.api.rpc_pb2 import PutRequest, RangeRequest, RequestOp, TxnRequest
from tests.etcd.comparing import emptied, normalized
from tests.etcd.differences import is_excused
from tests.etcd.requests import BASE, rebased, sequences
from tests.etcd.sides import EtcdDaemon, NodeAlone

SEQUENCES = int(os.environ.get("QUORATE_SEQUENCES", "200"))

pytestmark = pytest.mark.local


PUTS_ARE_LOOKED_AT_FIRST = TxnRequest(
    success=[
        RequestOp(request_range=RangeRequest(key=b"a", revision=BASE - 3)),
        RequestOp(request_put=PutRequest(key=b"a", lease=77)),
    ]
)
"""Two errors in one transaction: which is told?"""


@pytest.fixture(scope="module")
def node() -> NodeAlone:
    return NodeAlone()


@example(requests=[PUTS_ARE_LOOKED_AT_FIRST])
@settings(
    max_examples=SEQUENCES,
    derandomize=SEQUENCES <= 200,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(requests=sequences)
def test_every_answer_is_etcds(
    node: NodeAlone, etcd: EtcdDaemon, requests: list[KvRequest]
) -> None:
    sides = (node, etcd)
    bases = {side.name: emptied(side) for side in sides}
    for request in requests:
        if not is_excused(request, etcd.version):
            ours, theirs = (
                normalized(side.ask(rebased(request, bases[side.name])), bases[side.name])
                for side in sides
            )
            assert ours == theirs, f"asked: {request}"
