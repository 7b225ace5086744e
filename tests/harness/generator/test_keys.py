"""Many keys at a time."""

from checkers.history import History, OpType
from harness.generator.bounds import Limit
from harness.generator.generator import Invocation
from harness.generator.keys import Independent, OnKey
from harness.generator.sources import DONE, always
from harness.rehearsal import imperfect, rehearse

READ = always(Invocation("read"))


def test_every_operation_is_on_the_key() -> None:
    ops = rehearse(Limit(3, OnKey("x", READ)))

    assert {op.key for op in ops} == {"x"}


def test_threads_share_the_keys_out_among_them() -> None:
    keys = Independent(2, lambda number: f"r{number}", lambda _: READ)
    ops = rehearse(Limit(100, keys), concurrency=5)

    assert {(op.key, op.process) for op in ops} == {
        ("r0", 0),
        ("r1", 1),
        ("r0", 2),
        ("r1", 3),
        ("r0", 4),
    }


def test_a_key_that_is_done_makes_way_for_a_fresh_one() -> None:
    keys = Independent(2, lambda number: f"r{number}", lambda _: Limit(10, READ))
    parts = History(rehearse(Limit(60, keys), imperfect, concurrency=4)).by_key()

    assert sorted(str(key) for key in parts) == ["r0", "r1", "r2", "r3", "r4", "r5"]
    assert [len(part.operations()) for part in parts.values()] == [10] * 6


def test_with_few_threads_each_has_a_key_of_its_own() -> None:
    keys = Independent(9, lambda number: f"r{number}", lambda _: Limit(2, READ))
    ops = rehearse(Limit(12, keys), concurrency=2)

    even = {op.key for op in ops if op.process == 0 and op.type is OpType.INVOKE}
    assert even == {"r0", "r2", "r4"}


def test_keys_for_which_nothing_is_to_be_done_end_the_series() -> None:
    assert rehearse(Independent(2, lambda number: f"r{number}", lambda _: DONE)) == []
