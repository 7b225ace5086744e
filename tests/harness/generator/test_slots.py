"""Keys that are used unevenly, and retired after so many operations."""

from collections import Counter

from checkers.history import OpType
from harness.generator.bounds import Limit
from harness.generator.generator import Invocation
from harness.generator.slots import Slots
from harness.plan import Distribution
from harness.rehearsal import rehearse


def keys_of(distribution: Distribution, count: int) -> Counter[str | None]:
    slots = Slots(
        distribution=distribution,
        per_slot=10,
        name=lambda number: f"r{number}",
        draw=lambda _: Invocation("read"),
        used=(0, 0, 0),
    )
    ops = rehearse(Limit(count, slots))
    return Counter(op.key for op in ops if op.type is OpType.INVOKE)


def test_no_key_is_used_more_often_than_allowed() -> None:
    used = keys_of("hot", 500)
    assert max(used.values()) == 10
    assert sum(used.values()) == 500


def test_a_hot_place_goes_through_more_keys_than_others() -> None:
    used = keys_of("hot", 500)
    of_place = Counter(int(str(key)[1:]) % 3 for key in used)
    assert of_place[0] > 3 * max(of_place[1], of_place[2])


def test_several_keys_are_in_use_at_a_time() -> None:
    assert len(keys_of("uniform", 12)) == 3
