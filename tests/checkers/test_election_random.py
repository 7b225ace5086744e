"""Random elections, healthy and spoilt, against each promise written down naively."""

import itertools
import os
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from checkers.checker import Budget
from checkers.election import ElectionChecker
from checkers.history import History, Operation, OpType
from checkers.verdict import Answer, Verdict
from tests.checkers.timeline import Row, history_of

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000"))
OK, FAIL, INFO = OpType.OK, OpType.FAIL, OpType.INFO
Told = dict[str, object]
Seen = tuple[str, int, int, Operation]
"""An election, its leader's token, a revision at which it led, and who was told."""


# ---------------------------------------------------------------- a healthy election
@dataclass
class Election:
    """One election that keeps every promise; the oldest entry of `queue` leads."""

    revision: int = 1
    queue: list[Told] = field(default_factory=list)

    def leader(self) -> Told:
        return {"revision": self.revision} | self.queue[0]

    def campaign(self, process: int) -> Told:
        self.revision += 1
        entry: Told = {"key": f"k{process}", "token": self.revision,
                       "mod_revision": self.revision, "value": f"v{process}"}  # fmt: skip
        self.queue.append(entry)
        return {"revision": self.revision, "key": entry["key"], "token": self.revision}

    def proclaim(self, process: int) -> Told:
        self.revision += 1
        self.queue[0] |= {"mod_revision": self.revision, "value": f"v{process}"}
        return {"revision": self.revision}

    def resign(self) -> Told:
        self.revision += 1
        del self.queue[0]
        return {"revision": self.revision}

    def asked(self, random: Random, process: int) -> Row:
        """Return one operation that takes effect at `process` + 2 s, if it does."""
        f = random.choice(["campaign", "campaign", "leader", "leader", "proclaim", "resign"])
        outcome = random.choice([OK, OK, OK, INFO])
        happens = outcome is OK or random.random() < 0.5
        request: Told = {"election": "e", "value": f"v{process}"}
        if f in {"proclaim", "resign"} and self.queue:
            request |= {"key": self.queue[0]["key"], "token": self.queue[0]["token"]}
        answer: Told | None = None
        if f == "campaign" and self.queue:
            outcome = INFO  # who does not lead yet is not answered
        if f != "campaign" and not self.queue:
            outcome = FAIL
        elif happens:
            match f:
                case "campaign":
                    answer = self.campaign(process)
                case "proclaim":
                    answer = self.proclaim(process)
                case "resign":
                    answer = self.resign()
                case _:
                    answer = self.leader()
        told = answer if outcome is OK else None
        start, end = process + 1.5 - random.random(), process + 2.5 + random.random()
        return Row(start, end, process, f, request, told, outcome=outcome)


def healthy_rows(random: Random) -> list[Row]:
    """Return what clients saw of one election that kept every promise."""
    election = Election()
    rows, watched = [], []
    for process in range(random.randrange(2, 10)):
        rows.append(election.asked(random, process))
        if election.queue and random.random() < 0.5:
            watched.append(election.leader())
    rows.append(Row(0.1, 20, 99, "observe", {"election": "e"}, {"leaders": watched}))
    return rows


def spoil(random: Random, rows: list[Row]) -> list[Row]:
    """Return `rows` after one to three changes of what was answered."""
    result = list(rows)
    for _ in range(random.randrange(1, 4)):
        places = [place for place, row in enumerate(result) if isinstance(row.answer, dict)]
        place = random.choice(places)
        answer = result[place].answer
        assert isinstance(answer, dict)
        leaders = answer.get("leaders")
        if leaders:
            changed = [dict(each) for each in leaders]
            _change(random, random.choice(changed))
            random.shuffle(changed)
            result[place] = result[place]._replace(answer={"leaders": changed})
        elif leaders is None:
            changed_answer = dict(answer)
            _change(random, changed_answer)
            result[place] = result[place]._replace(answer=changed_answer)
    return result


def _change(random: Random, answer: Told) -> None:
    name = random.choice([name for name in answer if name != "key"])
    old = answer[name]
    answer[name] = max(1, old + random.choice([-2, -1, 1, 2])) if isinstance(old, int) else "x"


# ---------------------------------------------------------------- the promises, naively
def answered(history: History, *fs: str) -> list[Operation]:
    return [each for each in history.operations() if each.f in fs and each.outcome is OK]


def number(told: object, name: str) -> int:
    assert isinstance(told, dict)
    found = told[name]
    assert isinstance(found, int)
    return found


def leaders_told(operation: Operation) -> list[Told]:
    assert isinstance(operation.result, dict)
    if operation.f == "observe":
        leaders: list[Told] = operation.result["leaders"]
        return leaders
    return [operation.result]


def election_of(operation: Operation) -> str:
    assert isinstance(operation.value, dict)
    return str(operation.value["election"])


def everything_seen(history: History) -> list[Seen]:
    seen = [
        (election_of(each), number(told, "token"), number(told, "revision"), each)
        for each in answered(history, "campaign", "leader", "observe")
        for told in leaders_told(each)
    ]
    seen += [
        (election_of(each), number(each.value, "token"), number(each.result, "revision"), each)
        for each in answered(history, "proclaim")
    ]
    return seen


def two_leaders(one: Seen, other: Seen) -> bool:
    same_election = one[0] == other[0]
    same_moment = one[2] == other[2] and one[1] != other[1]
    return same_election and (same_moment or (one[2] < other[2] and one[1] > other[1]))


def behind(one: Seen, other: Seen) -> bool:
    return (
        one[0] == other[0]
        and "observe" not in {one[3].f, other[3].f}
        and one[3].ret is not None
        and one[3].ret < other[3].call
        and other[2] < one[2]
    )


def backwards(history: History) -> bool:
    for observer in answered(history, "observe"):
        told = [number(each, "revision") for each in leaders_told(observer)]
        if told != sorted(told):
            return True
    return False


def resigned_and_led(history: History, seen: list[Seen]) -> bool:
    return any(
        sight[0] == election_of(resign)
        and sight[1] == number(resign.value, "token")
        and sight[2] > number(resign.result, "revision")
        for resign in answered(history, "resign")
        for sight in seen
    )


def misquoted(history: History) -> bool:
    """Say whether a leader was heard to say two things at once, or what it cannot have said."""
    said, elected = [], []
    for each in history.operations():
        if each.f == "proclaim" and each.outcome is not FAIL and isinstance(each.value, dict):
            said.append((election_of(each), number(each.value, "token"), each.value["value"]))
        if each.f == "campaign" and each.outcome is OK and isinstance(each.value, dict):
            elected.append((election_of(each), number(each.result, "token")))
            said.append((*elected[-1], each.value["value"]))
    heard = [
        (election_of(each), number(told, "token"), number(told, "mod_revision"), told["value"])
        for each in answered(history, "leader", "observe")
        for told in leaders_told(each)
    ]
    return any(
        one[:3] == other[:3] and one[3] != other[3]
        for one, other in itertools.product(heard, heard)
    ) or any(
        (name, token) in elected and (name, token, value) not in said
        for name, token, _, value in heard
    )


def broken_promises(history: History) -> set[str]:
    seen = everything_seen(history)
    pairs = list(itertools.permutations(seen, 2))
    broken = {
        "election-one-leader": any(two_leaders(*pair) for pair in pairs),
        "election-real-time": any(behind(*pair) for pair in pairs),
        "election-observe": backwards(history),
        "election-resign": resigned_and_led(history, seen),
        "election-proclaim": misquoted(history),
    }
    return {name for name, is_broken in broken.items() if is_broken}


def convicted(verdict: Verdict) -> set[str]:
    return {leaf.checker for leaf in verdict.leaves() if leaf.answer is Answer.INVALID}


def test_a_healthy_election_is_never_convicted() -> None:
    for seed in range(CASES // 2):
        history = history_of(healthy_rows(Random(seed)))

        verdict = ElectionChecker().check(history, Budget())

        assert verdict.answer is not Answer.INVALID, f"seed {seed}: {verdict.reason}"
        assert not broken_promises(history), f"seed {seed}"


def test_a_spoilt_election_is_convicted_of_what_is_broken() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        random = Random(seed)
        history = history_of(spoil(random, healthy_rows(random)))

        verdict = ElectionChecker().check(history, Budget())

        expected = broken_promises(history)
        assert convicted(verdict) == expected, f"seed {seed}"
        told.update(expected)
    assert len(told) == 5, told
    assert min(told.values()) > CASES // 100, told
