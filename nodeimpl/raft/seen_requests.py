"""At most once: which forwarded proposals a leader has accepted in its term."""

from nodeimpl.ids import RequestId


class SeenRequests:
    """The request ids one sender has had accepted by one leader in one term.

    Exact although bounded: an id is admitted at most once, whatever was forgotten, because all ids
    up to the highest forgotten one are refused from then on. The price is that a proposal
    overtaken by more than `remembered_max` later ones of the same sender is refused as if the
    network had lost it. New proposals are never refused, because the ids of one node ascend, from
    one incarnation to the next too.
    """

    __slots__ = ("_forgotten_max", "_remembered_max", "_seen")

    def __init__(self, remembered_max: int) -> None:
        assert remembered_max >= 1, "the last id, at least, is remembered"
        self._remembered_max = remembered_max
        self._seen: set[RequestId] = set()
        self._forgotten_max = RequestId(-1)

    def admit(self, request_id: RequestId) -> bool:
        """Return True the first time that `request_id` is given, False ever after."""
        if request_id <= self._forgotten_max or request_id in self._seen:
            return False
        self._seen.add(request_id)
        if len(self._seen) > 2 * self._remembered_max:  # rarely, so that sorting costs little
            self._forget_lowest()
        return True

    def _forget_lowest(self) -> None:
        ascending = sorted(self._seen)
        self._forgotten_max = ascending[-self._remembered_max - 1]
        self._seen = set(ascending[-self._remembered_max :])
