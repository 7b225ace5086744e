"""The ids of one node's requests, each unique among all nodes and incarnations.

node:16 (`short_id`) incarnation:16 count:32
"""

from nodeimpl.config import short_id
from nodeimpl.ids import NodeId, RequestId

_COUNT_BITS = 32
_INCARNATION_BITS = 16


class RequestIds:
    """Gives out ids in ascending order."""

    __slots__ = ("_last",)

    def __init__(self, node_id: NodeId, incarnation: int) -> None:
        self._last = ((short_id(node_id) << _INCARNATION_BITS) | incarnation) << _COUNT_BITS

    def next(self) -> RequestId:
        """Return the next id."""
        self._last += 1
        return RequestId(self._last)
