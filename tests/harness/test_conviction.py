"""Kinds of convictions: equal for what is most likely one bug, each once, in order."""

from checkers.verdict import Evidence, invalid, merge, unknown, valid
from harness.conviction import kinds_of, story_of
from harness.hunt import try_seed


def evidence(**facts: object) -> Evidence:
    return Evidence(operations=(), story="", facts=dict(facts))


def test_an_oracle_convicts_by_its_rule() -> None:
    verdict = invalid("raft", "two leaders", evidence(rule="Election Safety", at_ns=5))
    assert kinds_of(verdict) == ("raft: Election Safety",)


def test_a_checker_of_several_rules_convicts_by_one() -> None:
    by_kind = invalid("watch-order", "late", evidence(kind="event-twice", watchers=[1]))
    by_anomaly = invalid("transactions", "a cycle", evidence(anomalies=[{"anomaly": "G-single"}]))
    assert kinds_of(by_kind) == ("watch-order: event-twice",)
    assert kinds_of(by_anomaly) == ("transactions: G-single",)


def test_a_checker_of_one_rule_convicts_by_its_name() -> None:
    assert kinds_of(invalid("linearizability", "stale", evidence())) == ("linearizability",)


def test_only_convictions_have_kinds_and_each_counts_once() -> None:
    stale = invalid("linearizability", "stale", evidence())
    verdict = merge("trial", [valid("raft"), stale, unknown("stats", "few"), stale])
    assert kinds_of(verdict) == ("linearizability",)
    assert kinds_of(merge("trial", [valid("raft")])) == ()


def test_what_a_planted_bug_breaks_is_its_kind() -> None:
    verdict = try_seed(1, "vote-not-persisted").verdict
    assert kinds_of(verdict) == ("raft: Persistence (Raft §5.2)",)


def test_a_story_that_only_repeats_the_reason_is_none() -> None:
    again = Evidence(operations=(), story="It is stale.\n")
    more = Evidence(operations=(), story="It is stale.\nIt was read late.")
    assert story_of(invalid("linearizability", "It is stale", again)) == []
    assert story_of(invalid("linearizability", "It is stale", more))[1] == "It was read late."
    assert story_of(valid("raft")) == []
