"""What is known, as columns of numbers: whether anything at all is wrong with it, for all at once.

The plain sweeps (`real_time`, `checker`) say what is wrong, and where. Most histories are right,
and then there is no need to go through them one by one: the same comparisons on whole columns
(numpy) say so in a fraction of the time.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from checkers.linearizability.revisions.operations import Known
from checkers.models.etcd_api import Read

_Column = npt.NDArray[np.int64]

_NEVER: Final = -1


class Columns:
    """The operations that happened; each array has one number for each of them."""

    __slots__ = (
        "_call",
        "_known",
        "_place",
        "_ret",
        "_serializable",
        "_slot",
        "_wrote",
        "revision",
    )

    def __init__(self, known: Sequence[Known]) -> None:
        self._known: Final = known
        self.revision: Final = _column([each.revision for each in known])
        self._slot: Final = _column([each.slot for each in known])
        self._call: Final = _column([each.call for each in known])
        self._ret: Final = _column([each.ret for each in known])
        self._wrote: Final = _column([each.wrote for each in known]) > 0
        self._serializable: Final = (
            _column([type(each.request) is Read and each.request.serializable for each in known])
            > 0
        )
        self._place: Final[_Column] = self.revision * 2 + ~self._wrote
        """As in `real_time`: even for writes, odd for all else."""

    def are_placed(self, first_revision: int) -> bool:
        """Return whether each revision is possible by itself, and no two writes claim one."""
        written = np.sort(self.revision[self._wrote])
        return bool(
            np.all(self.revision >= first_revision + self._wrote)
            and np.all(self._slot <= self.revision)
            and np.all(np.diff(written) > 0)
        )

    def write_count(self) -> int:
        """Return how many of the operations wrote something."""
        return int(np.count_nonzero(self._wrote))

    def are_in_real_time(self) -> bool:
        """Return whether the order of revisions is one of real time; see `real_time_conflict`."""
        linearizable = ~self._serializable
        place, call, ret = (each[linearizable] for each in (self._place, self._call, self._ret))
        order = np.argsort(place, kind="stable")
        place, call, ret = place[order], call[order], ret[order]
        # The latest call in all places before each one.
        starts = np.flatnonzero(np.diff(place, prepend=_NEVER))
        latest_in = np.maximum.reduceat(call, starts) if starts.size else call
        latest_up_to = np.concatenate(([_NEVER], np.maximum.accumulate(latest_in)))
        sizes = np.diff(starts, append=place.size)
        if np.any(np.repeat(latest_up_to[:-1], sizes) > ret):
            return False
        # Who may have been answered by a node that lags needs the write of its revision.
        lagging = self._serializable
        needed = np.searchsorted(place[starts], 2 * self.revision[lagging], side="right")
        return not bool(np.any(latest_up_to[needed] > self._ret[lagging]))

    def in_order_of_slots(self) -> list[Known]:
        """Return the operations by what they saw: each write before those that saw its revision."""
        known = self._known
        order = np.argsort(self._slot * 2 + ~self._wrote, kind="stable")
        return [known[at] for at in order.tolist()]


def _column(numbers: list[int]) -> _Column:
    return np.fromiter(numbers, dtype=np.int64, count=len(numbers))
