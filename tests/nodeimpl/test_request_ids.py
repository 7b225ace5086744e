"""Ids of requests."""

from nodeimpl.ids import NodeId
from nodeimpl.request_ids import RequestIds


def test_ids_ascend_and_so_they_do_from_one_incarnation_to_the_next() -> None:
    first, again = RequestIds(NodeId(3), 1), RequestIds(NodeId(3), 2)
    ids = [first.next(), first.next(), again.next()]
    assert ids == sorted(set(ids))


def test_an_id_names_its_node_incarnation_and_count() -> None:
    assert RequestIds(NodeId(3), 2).next() == 0x0003_0002_0000_0001
