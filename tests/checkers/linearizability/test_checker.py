"""The checker: histories in, verdicts out."""

from dataclasses import dataclass

import pytest

from checkers.checker import Budget
from checkers.history import CAS_MISMATCH, Operation, OpType
from checkers.linearizability.checker import Linearizability, linearizable
from checkers.models.model import ModelError
from checkers.verdict import Answer
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown

STALE = (
    ok("write", 1, at=(0, 1), key="x"),
    ok("write", 2, at=(2, 3), key="x"),
    ok("read", at=(4, 5), result=1, key="x"),
)


def test_a_valid_history_passes_with_figures() -> None:
    checker = linearizable("register")

    verdict = checker.check(
        history(ok("write", 1, at=(0, 1), key="x"), ok("read", at=(2, 3), key="y")), Budget()
    )

    assert verdict.answer is Answer.VALID
    assert verdict.details["model"] == "register"
    assert verdict.details["operations"] == 2
    assert verdict.details["keys"] == 2
    assert verdict.details["methods"] == {"unique values": 2}


def test_a_conviction_names_the_key_the_operation_and_has_evidence() -> None:
    verdict = linearizable("register").check(history(*STALE), Budget())

    assert verdict.answer is Answer.INVALID
    assert verdict.reason == "key x: op 4 cannot be explained (2 operations show it)"
    assert verdict.details["keys_invalid"] == ["x"]
    assert verdict.evidence is not None
    assert verdict.evidence.operations == (2, 4)


def test_one_wrong_key_among_right_ones_convicts() -> None:
    verdict = linearizable("register").check(
        history(*STALE, ok("write", 1, at=(6, 7), key="y")), Budget()
    )

    assert verdict.answer is Answer.INVALID
    assert verdict.details["keys"] == 2


def test_the_initial_value_counts() -> None:
    read = history(ok("read", at=(0, 1), result=0))

    assert linearizable("cas-register", "0").check(read, Budget()).answer is Answer.VALID
    assert linearizable("cas-register").check(read, Budget()).answer is Answer.INVALID


def many_writes(value_count: int) -> list[Row]:
    """Return overlapping writes of `value_count` values, each twice, and overlapping reads."""
    writes = [ok("write", n % value_count, at=(n, 40 + n), key="hard") for n in range(20)]
    reads = [ok("read", at=(20 + n, 60 + n), result=n % value_count, key="hard") for n in range(20)]
    return [*writes, *reads]


def test_a_budget_that_is_spent_says_unknown_and_how_far_it_got() -> None:
    verdict = linearizable("cas-register").check(history(*many_writes(7)), Budget(steps_max=5))

    assert verdict.answer is Answer.UNKNOWN
    assert verdict.reason.startswith("5 steps were not enough; key hard up to op ")
    assert verdict.details["keys_unknown"] == {
        "hard": {"reached": 46, "operations": 40, "left": list(range(6, 40))}
    }


def test_memory_that_is_spent_says_unknown_and_how_far_it_got() -> None:
    enqueues = [ok("enqueue", n % 3, at=(n, 40 + n)) for n in range(20)]
    dequeues = [ok("dequeue", at=(20 + n, 60 + n), result=(n + n // 2) % 3) for n in range(20)]

    verdict = linearizable("fifo-queue").check(
        history(*enqueues, *dequeues), Budget(memory_mb_max=1)
    )

    assert verdict.answer is Answer.UNKNOWN
    assert verdict.reason.startswith("1 MB were not enough to remember what was tried; up to op ")
    assert isinstance(verdict.details["keys_unknown"], dict)
    assert len(verdict.details["keys_unknown"]["None"]["left"]) > 0


def test_a_hard_key_does_not_keep_a_wrong_one_from_being_convicted() -> None:
    stale = (
        ok("write", 1, at=(80, 81), key="x"),
        ok("read", at=(82, 83), result=7, key="x"),
    )

    verdict = linearizable("cas-register").check(
        history(*many_writes(7), *stale), Budget(steps_max=16)
    )

    assert verdict.answer is Answer.INVALID
    assert list(verdict.details["keys_unknown"]) == ["hard"]  # type: ignore[call-overload]


def test_an_operation_of_another_model_is_refused_by_name() -> None:
    checker = linearizable("register")

    with pytest.raises(ModelError, match="op 0: a register knows read and write, not 'append'"):
        checker.check(history(ok("append", "a", at=(0, 1))), Budget())


def test_a_mismatch_is_evidence_and_another_failure_is_not() -> None:
    write = ok("write", 1, at=(0, 1))
    mismatch = failed("cas", [1, 2], at=(2, 3), error=CAS_MISMATCH)
    refusal = failed("cas", [1, 2], at=(2, 3), error="no leader")
    checker = linearizable("cas-register")

    assert checker.check(history(write, mismatch), Budget()).answer is Answer.INVALID
    assert checker.check(history(write, refusal), Budget()).answer is Answer.VALID


def test_an_unknown_write_may_explain_a_read() -> None:
    verdict = linearizable("register").check(
        history(unknown("write", 1, at=0), ok("read", at=(1, 2), result=1)), Budget()
    )

    assert verdict.answer is Answer.VALID


@pytest.mark.parametrize(
    "name", ["register", "cas-register", "multi-register", "kv", "mutex", "set"]
)
def test_every_known_model_can_be_asked_for(name: str) -> None:
    checker = linearizable(name)

    assert isinstance(checker, Linearizability)
    assert checker.check(history(), Budget()).answer is Answer.VALID


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelError, match="did you mean 'cas-register'"):
        linearizable("cas-regster")


@dataclass(frozen=True, slots=True)
class Counter:
    """A model as a user would write it: add, and read the sum. It has no end of states."""

    name: str = "counter"
    initial: int = 0

    def parse(self, operation: Operation) -> tuple[str, int] | None:
        """Return the operation and its number."""
        match operation.f, operation.outcome, operation.value, operation.result:
            case "add", OpType.OK | OpType.INFO, int(amount), _:
                return "add", amount
            case "read", OpType.OK, _, int(total):
                return "read", total
            case _:
                return None

    def step(self, state: int, operation: tuple[str, int]) -> int | None:
        """Add or read."""
        f, number = operation
        if f == "add":
            return state + number
        return state if state == number else None


def test_a_model_of_ones_own_judges_and_explains() -> None:
    checker = Linearizability(Counter())

    right = checker.check(
        history(ok("add", 2, at=(0, 2)), unknown("add", 3, at=1), ok("read", at=(3, 4), result=5)),
        Budget(),
    )
    wrong = checker.check(
        history(ok("add", 2, at=(0, 2)), unknown("add", 3, at=1), ok("read", at=(3, 4), result=8)),
        Budget(),
    )

    assert right.answer is Answer.VALID
    assert wrong.answer is Answer.INVALID
    assert wrong.evidence is not None
    assert "('read', 8) of process 2 (op 3) cannot be explained:" in wrong.evidence.story


def test_endless_states_do_not_make_an_endless_search() -> None:
    adds = [unknown("add", 1 + n % 3, at=n) for n in range(30)]
    reads = [ok("read", at=(30 + 2 * n, 31 + 2 * n), result=10_000 - n) for n in range(3)]

    verdict = Linearizability(Counter()).check(history(*adds, *reads), Budget(steps_max=20_000))

    assert verdict.answer is not Answer.VALID
    assert verdict.details["steps"] in range(20_100)
