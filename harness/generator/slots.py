"""Generators that say on which key, some more often than others; each key is retired in time.

Where `keys.Independent` gives every key its own threads, here any thread works on any key, so that
how often each is used can follow a distribution.
"""

import msgspec

from checkers.history import Op
from harness.generator.generator import Context, Generator, Invocation, Next
from harness.generator.keys import KeyName
from harness.generator.shares import place_in
from harness.generator.sources import Draw, Endless
from harness.plan import Distribution


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """Operations on as many keys at a time as `used` has places; never done.

    The key of a place is retired after `per_slot` operations, and a fresh one takes the place.
    """

    distribution: Distribution
    per_slot: int
    name: KeyName
    draw: Draw
    """Makes an operation that is still to be given its key."""
    used: tuple[int, ...]
    """For every place, how many operations it had."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        if not context.free:
            return Next(Endless(self.draw).next(context).answer, self)
        place = place_in(context.random, len(self.used), self.distribution)
        answer, _ = Endless(self.draw).next(context)
        assert isinstance(answer, Invocation), "a thread is free, and there is always more to do"
        count = self.used[place]
        key = self.name(place + len(self.used) * (count // self.per_slot))
        used = (*self.used[:place], count + 1, *self.used[place + 1 :])
        return Next(
            Invocation(answer.f, key, answer.value, answer.thread, answer.node),
            msgspec.structs.replace(self, used=used),
        )

    def update(self, context: Context, op: Op) -> Generator:  # noqa: ARG002 - whoever did it
        """See `Generator`."""
        return self
