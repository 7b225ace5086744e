"""The collector looks rarely, and yet nothing piles up."""

import gc
import weakref

from checkers.collector import rare_collections


class Knot:
    """Refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


def test_the_collector_is_as_it_was_afterwards() -> None:
    before = gc.get_threshold()
    with rare_collections(), rare_collections():
        assert gc.get_threshold()[0] > before[0]
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_cycles_of_many_contexts_do_not_pile_up() -> None:
    knots = []
    for _ in range(40):
        with rare_collections(leaves_cycles=True):
            knots.append(weakref.ref(Knot()))
    assert sum(knot() is not None for knot in knots) <= 10
