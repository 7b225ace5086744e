"""Random traces, of clusters that keep to Raft and of nodes that do not, judged twice."""

import os
from collections import Counter
from collections.abc import Sequence
from random import Random

from checkers.raft.checker import judge_facts
from checkers.raft.facts import Fact
from checkers.raft.judge import PROPERTIES, Judge
from checkers.verdict import Answer
from tests.checkers.raft.naive import first_broken
from tests.checkers.raft.random_traces import Chaos, Cluster

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000"))


def first_convicted(facts: Sequence[Fact]) -> tuple[int, set[str]]:
    """Return the first fact after which the judge convicts, and of what; as `first_broken`."""
    judge = Judge()
    for place, fact in enumerate(facts):
        judge.take(fact)
        judge.finish()
        if judge.breaches:
            return place, set(judge.breaches)
    return len(facts), set()


def test_a_cluster_that_keeps_to_raft_is_never_convicted() -> None:
    elections = 0
    for seed in range(CASES // 8):
        facts = Cluster(Random(seed), with_snapshots=bool(seed % 2)).run(60)

        verdict = judge_facts(facts)

        assert verdict.answer is not Answer.INVALID, f"seed {seed}: {verdict.reason}"
        elections += sum(type(fact.what).__name__ == "LedFrom" for fact in facts)
    assert elections > CASES // 4


def test_the_naive_judge_does_not_convict_it_either() -> None:
    for seed in range(0, CASES // 8, 8):
        facts = Cluster(Random(seed), with_snapshots=False).run(60)

        assert first_broken(facts)[1] == set(), f"seed {seed}"


def test_the_first_fact_that_is_wrong_is_convicted_of_what_it_breaks() -> None:
    told: Counter[str] = Counter()
    for seed in range(CASES):
        facts = Chaos(Random(seed)).run(14)

        expected = first_broken(facts)
        assert first_convicted(facts) == expected, f"seed {seed}"
        told.update(expected[1])
    assert set(told) == set(PROPERTIES)
    assert min(told.values()) > CASES // 200, told
