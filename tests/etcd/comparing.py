"""What must be equal between two stores that were asked the same."""

from google.protobuf.json_format import MessageToDict

from nodeimpl.api.kv_pb2 import Event, KeyValue
from nodeimpl.api.requests import ApiResponse
from nodeimpl.api.rpc_pb2 import (
    CompactionRequest,
    DeleteRangeRequest,
    DeleteRangeResponse,
    LeaseLeasesResponse,
    LeaseRevokeRequest,
    LeaseTimeToLiveResponse,
    PutRequest,
    PutResponse,
    RangeRequest,
    RangeResponse,
    ResponseOp,
    TxnResponse,
)
from tests.etcd.requests import LEASE_IDS
from tests.etcd.sides import Answer, Side, Watcher

EVERYTHING = DeleteRangeRequest(key=b"\0", range_end=b"\0")


def emptied(side: Side) -> int:
    """Delete and compact everything; return the store's revision then."""
    for request in (PutRequest(key=b"a"), EVERYTHING):
        answer = side.ask(request)
        assert not isinstance(answer, tuple), f"{side.name}: {answer}"
    revision = revision_of(side)
    compacted = side.ask(CompactionRequest(revision=revision, physical=True))
    assert not isinstance(compacted, tuple), f"{side.name}: {compacted}"
    return revision


def without_leases(side: Side) -> None:
    """Revoke what sequences may grant."""
    for lease_id in (*LEASE_IDS, -1):
        side.ask(LeaseRevokeRequest(ID=lease_id))


def revision_of(side: Side) -> int:
    """Return the store's revision."""
    answer = side.ask(RangeRequest(key=b"a"))
    assert isinstance(answer, RangeResponse), f"{side.name}: {answer}"
    return answer.header.revision


def normalized(answer: Answer, base: int) -> object:
    """Return all that must be equal: revisions count from `base`, ids of nodes are left out."""
    if isinstance(answer, tuple):
        return answer
    copy = type(answer).FromString(answer.SerializeToString())
    _normalize(copy, base)
    plain: dict[str, object] = MessageToDict(copy)
    return type(answer).__name__, plain


def _normalize(response: ApiResponse, base: int) -> None:
    if response.HasField("header"):
        header = response.header
        header.ClearField("cluster_id")
        header.ClearField("member_id")
        header.ClearField("raft_term")
        header.revision = _counted(header.revision, base)
    match response:
        case RangeResponse():
            _normalize_all(list(response.kvs), base)
        case PutResponse():
            _normalize_all([response.prev_kv] if response.HasField("prev_kv") else [], base)
        case DeleteRangeResponse():
            _normalize_all(list(response.prev_kvs), base)
        case TxnResponse():
            for each in response.responses:
                _normalize_op(each, base)
        case LeaseTimeToLiveResponse() | LeaseLeasesResponse():
            _normalize_leases(response)
        case _:
            pass


def _normalize_leases(response: LeaseTimeToLiveResponse | LeaseLeasesResponse) -> None:
    """Leave out what is left of a lease, which depends on when one asks; put lists in order."""
    if isinstance(response, LeaseTimeToLiveResponse):
        response.TTL = min(response.TTL, 1)
        in_order = sorted(response.keys)
        del response.keys[:]
        response.keys.extend(in_order)
    else:
        ids = sorted(lease.ID for lease in response.leases)
        del response.leases[:]
        for lease_id in ids:
            response.leases.add(ID=lease_id)


def watched(watcher: Watcher, base: int) -> object:
    """Return all that must be equal of what a watcher was sent; how it was cut need not."""
    responses = watcher.responses
    events = [event for response in responses for event in response.events]
    canceled = [response for response in responses if response.canceled]
    return (
        [response.created for response in responses[:1]],
        [_event(event, base) for event in events],
        [(each.cancel_reason, _counted(each.compact_revision, base)) for each in canceled],
    )


def _event(event: Event, base: int) -> object:
    copy = Event.FromString(event.SerializeToString())
    _normalize_all([copy.kv], base)
    if copy.HasField("prev_kv"):
        _normalize_all([copy.prev_kv], base)
    plain: dict[str, object] = MessageToDict(copy)
    return plain


def _normalize_op(response: ResponseOp, base: int) -> None:
    if (kind := response.WhichOneof("response")) is not None:
        inner: ApiResponse = getattr(response, kind)
        _normalize(inner, base)


def _normalize_all(kvs: list[KeyValue], base: int) -> None:
    for kv in kvs:
        kv.create_revision = _counted(kv.create_revision, base)
        kv.mod_revision = _counted(kv.mod_revision, base)


def _counted(revision: int, base: int) -> int:
    return revision - base + 1_000 if revision > 0 else revision
