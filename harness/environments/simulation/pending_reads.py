"""Judges linearizable reads as they are answered, before any history is looked at (thesis §6.4).

A read that arrives when an entry has been committed anywhere must be answered from a store that
has applied it: the read index is a commit index of the leader at that time or later, and no leader
answers before it knows all that was committed before it. A client may never notice that it was not
so, if nobody was told of that entry yet; the rule is broken all the same.
"""

from collections.abc import Sequence

from harness.environments.simulation.oracle import Breach
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest
from nodeimpl.api.rpc_pb2 import RangeRequest
from nodeimpl.boundary import Effect, Reply


class PendingReads:
    """The ranges that one node was asked for and has not answered. Transactions are not judged."""

    __slots__ = ("_name", "floors")

    def __init__(self, name: str) -> None:
        self._name = name
        self.floors: dict[int, int] = {}
        """By the request's tag: the last index that was committed when it came. While it is empty,
        there is nothing to judge."""

    def note(self, tag: int, request: ApiRequest, committed_index: int) -> None:
        """Note that `request` arrives, if it is one that must not see the past."""
        if isinstance(request, RangeRequest) and not request.serializable:
            self.floors[tag] = committed_index

    def forget_all(self) -> None:
        """Note that the daemon has died: nothing will be answered."""
        self.floors.clear()

    def judge(self, effects: Sequence[Effect], applied_index: int) -> None:
        """Judge the answers among `effects` of a node that has applied so much; raise `Breach`."""
        if not self.floors:
            return
        for effect in effects:
            if isinstance(effect, Reply):
                floor = self.floors.pop(effect.tag, 0)
                if applied_index < floor and not isinstance(effect.body, ApiError):
                    raise Breach(
                        "Read index (thesis §6.4)",
                        f"{self._name} answers a read from a store that has applied "
                        f"{applied_index} entries, but when the read came {floor} had been "
                        f"committed",
                    )
