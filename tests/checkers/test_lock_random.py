"""Random histories of locks, against exclusion and fencing written down naively."""

import itertools
import os
from random import Random

from checkers.checker import Budget
from checkers.history import History, OpType
from checkers.lock import lock_exclusion, lock_fencing
from checkers.tenures import Tenure, Write, tenures_of, writes_under_locks
from checkers.verdict import Answer
from tests.checkers.timeline import Row, history_of

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000"))


def random_history(random: Random) -> History:
    rows = []
    for process in range(random.randrange(1, 4)):
        now = random.random()
        token = random.randrange(2, 6)
        for f in random.choice(
            [("acquire",), ("acquire", "guarded"), ("acquire", "unguarded", "release"),
             ("acquire", "guarded", "release"), ("acquire", "release", "guarded")]
        ):  # fmt: skip
            end = now + random.random()
            revision = token + random.randrange(4)
            request = {"lock": "l", "key": f"k{process}", "token": token, "value": ""}
            answer = {"revision": revision, "key": f"k{process}", "token": token}
            outcome = random.choice([OpType.OK, OpType.OK, OpType.OK, OpType.FAIL])
            rows.append(Row(now, end, process, f, request, answer, outcome=outcome))
            now = end + random.random()
    return history_of(rows)


def two_hold(tenures: list[Tenure]) -> bool:
    return any(
        (one.granted.ret or 0) < (other.granted.ret or 0) < one.last_call
        for one, other in itertools.permutations(tenures, 2)
    )


def comes_late(tenures: list[Tenure], writes: list[Write], *, guarded: bool) -> bool:
    return any(
        write.guarded is guarded and write.token < tenure.token and tenure.revision < write.revision
        for write, tenure in itertools.product(writes, tenures)
    )


def tokens_fail(tenures: list[Tenure]) -> bool:
    return any(
        (one.token == other.token and one.key != other.key)
        or (
            (one.granted.ret or 0) < other.granted.call
            and other.token <= one.token
            and one.key != other.key
        )
        for one, other in itertools.permutations(tenures, 2)
    )


def used_late(tenures: list[Tenure], writes: list[Write]) -> bool:
    return any(
        write.guarded
        and write.token == tenure.token
        and tenure.release is not None
        and isinstance(tenure.release.result, dict)
        and write.revision > tenure.release.result["revision"]
        for write, tenure in itertools.product(writes, tenures)
    )


def test_exclusion_and_fencing_agree_with_their_definitions() -> None:
    broken = [0, 0]
    for seed in range(CASES):
        history = random_history(Random(seed))
        tenures, writes = tenures_of(history), writes_under_locks(history)
        if not tenures:
            continue

        answers = [
            checker.check(history, Budget()).answer
            for checker in (lock_exclusion(), lock_fencing())
        ]

        expected = [
            two_hold(tenures) or comes_late(tenures, writes, guarded=False),
            tokens_fail(tenures)
            or comes_late(tenures, writes, guarded=True)
            or used_late(tenures, writes),
        ]
        assert [answer is Answer.INVALID for answer in answers] == expected, f"seed {seed}"
        broken = [count + wrong for count, wrong in zip(broken, expected, strict=True)]
    assert min(broken) > CASES // 20
