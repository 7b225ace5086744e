"""The kind of a conviction: who convicted, and by which rule. Equal kinds are most likely one bug.

Seeds that fail are told apart by it, and a run that is made smaller must keep it.
"""

from collections.abc import Mapping

from checkers.verdict import Answer, Verdict


def kinds_of(verdict: Verdict) -> tuple[str, ...]:
    """Return the kind of every conviction in `verdict`, each once, in order; empty if it has none.

    A kind is the judge's name, followed by the rule that was broken where the judge has several:
    `raft: Election Safety (Raft §5.2)`, `etcd-linearizability: stale`, `linearizability`.
    """
    kinds = dict.fromkeys(_kind(leaf) for leaf in verdict.leaves() if leaf.answer is Answer.INVALID)
    return tuple(kinds)


def story_of(leaf: Verdict) -> list[str]:
    """Return the lines that explain a conviction; none where they say no more than its reason."""
    if leaf.evidence is None or leaf.evidence.story.strip().rstrip(".") == leaf.reason.rstrip("."):
        return []
    return leaf.evidence.story.splitlines()


def _kind(leaf: Verdict) -> str:
    rule = None if leaf.evidence is None else _rule_in(leaf.evidence.facts)
    return leaf.checker if rule is None else f"{leaf.checker}: {rule}"


def _rule_in(facts: Mapping[str, object]) -> str | None:
    """Return what an oracle or a checker of several rules says was broken; None if it has one."""
    match facts:
        case {"rule": str(rule)} | {"kind": str(rule)}:
            return rule
        case {"anomalies": [{"anomaly": str(anomaly)}, *_]}:
            return anomaly
        case _:
            return None
