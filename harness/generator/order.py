"""Generators that say which of several comes next: a mix, a series, phases."""

import msgspec

from checkers.history import Op
from harness.generator.generator import Context, Generator, Next, Pending


class Mix(msgspec.Struct, frozen=True):
    """Each time an even draw from `generators`; done when all are.

    One that is named twice is drawn twice as often. A generator that was drawn and has nothing
    yet is waited for.
    """

    generators: tuple[Generator, ...]
    drawn: int | None = None
    """Place of the generator to ask; None if it is still to be drawn."""

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        generators, drawn = self.generators, self.drawn
        if not context.free:
            return Next(Pending(), self)
        while generators:
            place = int(context.random.random() * len(generators)) if drawn is None else drawn
            answer, asked = generators[place].next(context)
            if answer is None:
                generators, drawn = generators[:place] + generators[place + 1 :], None
                continue
            left = (*generators[:place], asked, *generators[place + 1 :])
            return Next(answer, Mix(left, place if isinstance(answer, Pending) else None))
        return Next(None, Mix(()))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        told = tuple([generator.update(context, op) for generator in self.generators])
        return Mix(told, self.drawn)


class Series(msgspec.Struct, frozen=True):
    """One generator after another; the next may start while operations of the last are open."""

    generators: tuple[Generator, ...]

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        generators = self.generators
        while generators:
            answer, asked = generators[0].next(context)
            if answer is not None:
                return Next(answer, Series((asked, *generators[1:])))
            generators = generators[1:]
        return Next(None, Series(()))

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        if not self.generators:
            return self
        return Series((self.generators[0].update(context, op), *self.generators[1:]))


class Synchronize(msgspec.Struct, frozen=True):
    """`generator`, from the moment at which every thread is free."""

    generator: Generator

    def next(self, context: Context) -> Next:
        """See `Generator`."""
        if len(context.free) < len(context.threads):
            return Next(Pending(), self)
        return self.generator.next(context)

    def update(self, context: Context, op: Op) -> Generator:
        """See `Generator`."""
        return Synchronize(self.generator.update(context, op))


def phases(*generators: Generator) -> Generator:
    """Return one generator after another, each starting when no operation is open any more."""
    return Series(tuple([Synchronize(generator) for generator in generators]))
