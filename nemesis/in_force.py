"""Which explicit faults are in force, and how they begin and end beside one another.

What a fault does, and how it composes with others, is its own part (`nemesis.faults`); time
and records are the injector's (`nemesis.inject`).
"""

from nemesis.fault import Attempt, Begun, Done, Site, Skipped
from nemesis.faults.voiding import voids
from nemesis.surface import Surfaces


class InForce:
    """The faults begun and not ended, against one environment's surfaces.

    Raises `SurfaceError` as the surfaces do. A fault whose beginning or end raised counts as
    in force, so that it can be ended once more.
    """

    def __init__(self, surfaces: Surfaces) -> None:
        self._surfaces = surfaces
        self._begun: dict[int, Begun] = {}

    def faults(self) -> tuple[Begun, ...]:
        """Return the faults in force, in the order in which they began."""
        return tuple(self._begun.values())

    def adopt(self, begun: Begun) -> None:
        """Count a fault as in force that is so already, through another's doing."""
        assert begun.number not in self._begun, "a fault begins once"
        self._begun[begun.number] = begun

    def begin(self, begun: Begun) -> Attempt:
        """Let an explicit fault begin."""
        self.adopt(begun)
        attempt = begun.fault.begin(self._site(begun))
        if isinstance(attempt, Skipped) or begun.fault.held_ns() is None:
            del self._begun[begun.number]
        if isinstance(attempt, Done):
            for other in self.faults():
                if voids(begun.fault, other.fault):
                    del self._begun[other.number]
        return attempt

    def end(self, begun: Begun) -> Attempt:
        """Undo a fault that has begun, as far as no other fault holds the same."""
        if begun.number not in self._begun:
            return Skipped("it was voided by a kill")
        attempt = begun.fault.end(self._site(begun))
        del self._begun[begun.number]
        return attempt

    def _site(self, begun: Begun) -> Site:
        others = [other for other in self._begun.values() if other.number != begun.number]
        return Site(self._surfaces, begun, others)
