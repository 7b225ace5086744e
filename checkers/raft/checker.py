"""Raft's properties, each with a verdict of its own."""

from collections.abc import Sequence
from typing import Final

from checkers.raft.facts import Fact
from checkers.raft.judge import PROPERTIES, Breach, Judge
from checkers.verdict import Evidence, Verdict, invalid, merge, unknown, valid

NAME: Final = "raft-traces"


def judge_facts(facts: Sequence[Fact], *, disks_lie: bool = False) -> Verdict:
    """Return the worst of all verdicts, with one for each property among its parts.

    `facts` are in the order of time, or node by node where there is no clock. `UNKNOWN` if there
    are none. `disks_lie` says that disks were made to forget what they had called durable: then
    what a node comes back with is no fault of its own.
    """
    if not facts:
        return unknown(NAME, "no node told anything")
    judge = Judge(disks_lie=disks_lie)
    for fact in facts:
        judge.take(fact)
    judge.finish()
    details: dict[str, object] = {
        "nodes": len({fact.node for fact in facts}),
        "elections": judge.election_count,
        "commits": judge.commit_count,
    }
    parts = []
    for each in PROPERTIES:
        breach = judge.breaches.get(each)
        parts.append(valid(each, details) if breach is None else _conviction(each, breach))
    return merge(NAME, parts)


def _conviction(name: str, breach: Breach) -> Verdict:
    facts: dict[str, object] = {
        "nodes": list(breach.nodes),
        "index": breach.index,
        "terms": list(breach.terms),
        "at_ns": breach.at_ns,
    }
    evidence = Evidence(operations=(), story=breach.story, facts=facts)
    return invalid(name, breach.story, evidence)
