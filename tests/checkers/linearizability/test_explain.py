"""What the page says about a conviction."""

from collections.abc import Sequence
from random import Random

import pytest

from checkers.checker import Budget
from checkers.history import CAS_MISMATCH, Op, Operation, OpType
from checkers.linearizability.checker import linearizable
from checkers.linearizability.explain import Case, explain
from checkers.linearizability.interval import Interval
from checkers.linearizability.search import decide
from checkers.models.model import Model, OperationT, StateT
from checkers.verdict import Answer, Evidence
from tests.checkers.linearizability.brute_force import has_order
from tests.checkers.linearizability.random_histories import (
    FewValues,
    Kind,
    Locks,
    Sets,
    Strings,
    UniqueValues,
    record,
    small,
    tamper,
)
from tests.checkers.linearizability.rows import Row, failed, history, ok, unknown


def evidence_of(model: str, *rows: Row) -> Evidence:
    verdict = linearizable(model).check(history(*rows), Budget())
    assert verdict.answer is Answer.INVALID, "only a conviction is explained"
    assert verdict.evidence is not None, "a conviction has evidence"
    return verdict.evidence


def test_a_stale_read_is_told_from_beginning_to_end() -> None:
    evidence = evidence_of(
        "register",
        ok("write", 3, at=(0, 1), key="x"),
        ok("read", at=(2, 3), result=3, key="x"),
        ok("write", 4, at=(4, 5), key="x"),
        ok("read", at=(6, 7), result=3, key="x"),
    )

    assert evidence.story.splitlines() == [
        "Of 4 operations on key x, these 2 are enough to show that no order is",
        "possible, whatever the state was before op 4:",
        "  process 2: write 4 (ops 4 to 5)",
        "  process 3: read -> 3 (ops 6 to 7)",
        "",
        "process 2  |--write 4--|",
        "process 3               |--read -> 3--|",
        "",
        "read -> 3 of process 3 (op 6) cannot be explained:",
        "  in whatever order the others took effect, it would have found",
        "  - 4, after write 4",
        "Every write of 3 had returned before write 4 of process 2 (op 4) began,",
        "and that returned before read -> 3 of process 3 (op 6) began.",
    ]


def test_the_facts_say_the_same_to_programs() -> None:
    evidence = evidence_of(
        "register",
        ok("write", 3, at=(0, 1), key="x"),
        ok("write", 4, at=(2, 3), key="x"),
        ok("read", at=(4, 5), result=3, key="x"),
    )

    assert evidence.operations == (2, 4)
    assert evidence.facts == {
        "key": "x",
        "dies": 4,
        "required": [2, 4],
        "optional": [],
        "supporting": [],
        "since": 2,
        "states": [{"from": "some other value", "order": [2], "state": "4"}],
    }


def test_a_mismatch_is_evidence_from_any_state() -> None:
    evidence = evidence_of(
        "cas-register",
        ok("write", 2, at=(0, 1)),
        unknown("write", 3, at=2),
        failed("cas", [2, 3], at=(3, 4), error=CAS_MISMATCH),
        ok("read", at=(5, 6), result=2),
    )

    assert "possible, whatever the state was before op 3:" in evidence.story
    assert "- some other value, after cas 2 refused" in evidence.story
    assert evidence.story.endswith("No write of 2 was in flight at op 3 or later.")


def test_a_value_that_nobody_wrote_is_called_that() -> None:
    evidence = evidence_of("register", ok("read", at=(0, 1), result=7))

    assert evidence.story.endswith("Nobody ever wrote 7.")


def test_a_read_from_the_future_names_the_write() -> None:
    evidence = evidence_of("register", ok("read", at=(0, 1), result=7), ok("write", 7, at=(2, 3)))

    assert evidence.story.endswith(
        "7 was first written by write 7 of process 1 (op 2), which began only after that."
    )


def test_a_lost_write_names_the_initial_value() -> None:
    evidence = evidence_of("register", ok("write", 7, at=(0, 1)), ok("read", at=(2, 3)))

    assert evidence.story.endswith(
        "nil was there at first, but write 7 of process 0 (op 0) replaced it,\n"
        "and that returned before read -> nil of process 1 (op 2) began."
    )


def test_an_operation_of_unknown_outcome_is_drawn_to_the_edge() -> None:
    evidence = evidence_of(
        "cas-register",
        ok("write", 1, at=(0, 1)),
        unknown("cas", [1, 2], at=2),
        ok("read", at=(3, 4), result=2),
        ok("write", 1, at=(5, 6)),
        ok("write", 1, at=(7, 8)),
        ok("read", at=(9, 10), result=2),
    )

    assert "process 1: cas 1 -> 2 (from op 2, outcome unknown; it does not matter when)" in (
        evidence.story
    )
    assert "\nprocess 1  |--cas 1 -> 2--....." in evidence.story


def test_strings_are_explained_too() -> None:
    evidence = evidence_of(
        "kv",
        ok("append", "a", at=(0, 1), key="k"),
        ok("append", "b", at=(2, 3), key="k"),
        ok("get", at=(4, 5), result="b", key="k"),
    )

    assert evidence.operations == (0, 4)
    assert '  - "a", after append "a"' in evidence.story


def test_any_model_is_explained_in_its_own_words() -> None:
    evidence = evidence_of("mutex", ok("acquire", at=(0, 1)), ok("acquire", at=(2, 3)))

    assert "acquire of process 1 (op 2) cannot be explained:" in evidence.story
    assert "  - held, after acquire" in evidence.story


def test_all_states_that_the_others_may_leave_are_listed() -> None:
    evidence = evidence_of(
        "register",
        ok("write", 1, at=(0, 2)),
        ok("write", 2, at=(1, 3)),
        ok("write", 2, at=(4, 6)),
        ok("write", 1, at=(5, 7)),
        ok("read", at=(8, 9)),
    )

    states = evidence.facts["states"]
    assert isinstance(states, list)
    assert sorted(state["state"] for state in states) == ["1"]


@pytest.mark.parametrize("kind", [FewValues(), UniqueValues(), Strings(), Locks(), Sets()])
def test_every_conviction_can_be_explained_and_the_second_opinion_agrees(
    kind: Kind[StateT, OperationT],
) -> None:
    random = Random(8)
    recorded = [tamper(random, kind, record(random, kind, small(random))) for _ in range(200)]

    convicted = [one for one in recorded if not has_order(one, kind.model)]
    explained = [explain(case_of(one, kind.model)) for one in convicted]

    assert len(explained) > 20
    assert [evidence for evidence in explained if "states" not in evidence.facts] == []
    assert [evidence for evidence in explained if "even without it" in evidence.story] == []


def case_of(
    intervals: Sequence[Interval[OperationT]], model: Model[StateT, OperationT]
) -> Case[StateT, OperationT]:
    """Return the case of `intervals`, whose operations are of a process each."""
    return Case(
        model=model,
        key=None,
        operations=[
            Operation(op_at(interval.call, process), completion_at(interval.ret, process))
            for process, interval in enumerate(intervals)
        ],
        intervals=intervals,
        outcome=decide(intervals, model, steps_max=100_000),
    )


def op_at(index: int, process: int, op_type: OpType = OpType.INVOKE) -> Op:
    return Op(index=index, time=index, process=process, type=op_type, f="f")


def completion_at(index: int | None, process: int) -> Op | None:
    return None if index is None else op_at(index, process, OpType.OK)
