"""Chance, split into one named stream per concern.

A stream depends on the seed and its name alone. So a run without one fault draws the same
numbers for everything else, and shrinking one thing does not reshuffle another.
"""

from collections.abc import Callable
from random import Random
from typing import TypeAlias

from typing_extensions import override

OnDraw: TypeAlias = Callable[[str, float], None]
"""Called with the stream's name and the number, for every number drawn."""


class Streams:
    """The streams of one seed. Asking twice for a name gives the same stream."""

    def __init__(self, seed: int, on_draw: OnDraw | None = None) -> None:
        """`on_draw` is told of every draw; being told changes nothing that is drawn."""
        self.seed = seed
        self._on_draw = on_draw
        self._streams: dict[str, Random] = {}

    def named(self, name: str) -> Random:
        """Return the stream called `name`; it goes on where it was left."""
        stream = self._streams.get(name)
        if stream is None:
            # A string seed is hashed with SHA-512, so it does not depend on PYTHONHASHSEED.
            origin = f"{self.seed}/{name}"
            on_draw = self._on_draw
            stream = Random(origin) if on_draw is None else _Told(origin, name, on_draw)
            self._streams[name] = stream
        return stream

    def reroll(self, seed: int) -> None:
        """Go on with the numbers of another seed, in every stream there is and will be."""
        self.seed = seed
        for name, stream in self._streams.items():
            stream.seed(f"{seed}/{name}")


class _Told(Random):
    """A stream that tells of every number it draws.

    Both sources of `Random` are overridden, `random` and `getrandbits`: with one of them alone,
    `Random` would derive its other methods differently and the numbers would not be the same.
    """

    def __init__(self, origin: str, name: str, on_draw: OnDraw) -> None:
        super().__init__(origin)
        self._name = name
        self._on_draw = on_draw

    @override
    def random(self) -> float:
        drawn = super().random()
        self._on_draw(self._name, drawn)
        return drawn

    @override
    def getrandbits(self, k: int, /) -> int:
        drawn = super().getrandbits(k)
        self._on_draw(self._name, drawn)
        return drawn
