"""Chance, split into one named stream per concern.

A stream depends on the seed and its name alone. So a run without one fault draws the same
numbers for everything else, and shrinking one thing does not reshuffle another.
"""

from random import Random


class Streams:
    """The streams of one seed. Asking twice for a name gives the same stream."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[str, Random] = {}

    def named(self, name: str) -> Random:
        """Return the stream called `name`; it goes on where it was left."""
        stream = self._streams.get(name)
        if stream is None:
            # A string seed is hashed with SHA-512, so it does not depend on PYTHONHASHSEED.
            stream = self._streams[name] = Random(f"{self.seed}/{name}")
        return stream
