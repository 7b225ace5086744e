"""Columns of numbers against the plain sweeps, on random histories, right or a bit wrong."""

import pytest

from checkers.linearizability.revisions.columns import Columns
from checkers.linearizability.revisions.operations import Known
from checkers.linearizability.revisions.parsing import parse
from checkers.linearizability.revisions.real_time import real_time_conflict
from tests.checkers.linearizability.test_revisions_random import small_history

FIRST = 1


def known_of(seed: int) -> list[Known]:
    return parse(small_history(seed)).known


def are_placed(known: list[Known]) -> bool:
    """Return the same one by one."""
    written = [each.revision for each in known if each.wrote]
    return len(set(written)) == len(written) and all(
        FIRST + each.wrote <= each.revision and each.slot <= each.revision for each in known
    )


@pytest.mark.parametrize("block", range(4))
def test_columns_say_what_the_plain_sweeps_say(block: int) -> None:
    seen = set()
    for seed in range(150 * block, 150 * (block + 1)):
        known = known_of(seed)
        if not known:
            continue
        columns = Columns(known)
        right = columns.are_in_real_time()
        assert right is (real_time_conflict(known) is None), seed
        assert columns.are_placed(FIRST) is are_placed(known), seed
        assert columns.write_count() == sum(each.wrote for each in known)
        seen.add((right, columns.are_placed(FIRST)))
    assert len(seen) >= 3


def test_a_slot_is_seen_after_it_is_written() -> None:
    known = [each for seed in range(5) for each in known_of(seed)]

    order = Columns(known).in_order_of_slots()

    assert [(each.slot, not each.wrote) for each in order] == sorted(
        (each.slot, not each.wrote) for each in known
    )
