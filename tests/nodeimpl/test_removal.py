"""When batches of rows go, and whose answers wait for it."""

from nodeimpl.api.rpc_pb2 import CompactionResponse
from nodeimpl.ids import Instant, RequestId, Revision
from nodeimpl.removal import Removal

A, B, C = RequestId(1), RequestId(2), RequestId(3)


def test_every_batch_has_its_time() -> None:
    removal = Removal(10)
    assert not removal.is_due(Instant(5), is_behind=False)
    assert removal.at == 15
    assert [removal.is_due(Instant(now), is_behind=False) for now in (14, 15)] == [False, True]
    removal.removed(Instant(20), more=True)
    assert removal.at == 30
    removal.removed(Instant(31), more=False)
    assert removal.at is None


def test_a_batch_is_put_off_while_the_disk_is_behind() -> None:
    removal = Removal(10)
    assert not removal.is_due(Instant(5), is_behind=True)
    assert not removal.is_due(Instant(14), is_behind=True)
    assert removal.at == 15, "it is not its time yet"
    assert not removal.is_due(Instant(16), is_behind=True)
    assert removal.at == 26
    assert removal.is_due(Instant(26), is_behind=False)


def test_answers_wait_in_their_order() -> None:
    removal = Removal(10)
    for at, request_id in ((3, A), (5, B)):
        removal.wait(Revision(at), request_id, CompactionResponse())
    assert (A in removal, C in removal) == (True, False)
    assert list(removal.finished(Revision(2))) == []
    assert [request_id for request_id, _ in removal.finished(Revision(4))] == [A]
    assert (A in removal, B in removal, removal.is_awaited) == (False, True, True)
    assert [request_id for request_id, _ in removal.finished(Revision(5))] == [B]
    assert not removal.is_awaited
