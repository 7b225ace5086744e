"""Each of Raft's properties: facts that break it, and that nothing else objects to."""

import pytest

from checkers.raft.checker import judge_facts
from checkers.raft.facts import (
    Appended,
    CommittedTo,
    EntryMark,
    Fact,
    HardState,
    Installed,
    LedFrom,
    MembersChanged,
    Restarted,
    StoppedLeading,
    What,
)
from checkers.raft.judge import (
    COMMITTED_SURVIVES,
    ELECTION_SAFETY,
    LEADER_APPEND_ONLY,
    LEADER_COMPLETENESS,
    LOG_MATCHING,
    MEMBERS,
    PROPERTIES,
    STATE_MACHINE_SAFETY,
    TERMS_AND_VOTES,
)
from checkers.verdict import Answer


def marks(first: int, *entries: tuple[int, int]) -> tuple[EntryMark, ...]:
    return tuple(EntryMark(index, *entry) for index, entry in enumerate(entries, first))


def appended(first: int, *entries: tuple[int, int]) -> Appended:
    return Appended(marks(first, *entries))


def story(*steps: tuple[str, What]) -> list[Fact]:
    return [Fact(at, node, what) for at, (node, what) in enumerate(steps)]


def broken(facts: list[Fact]) -> dict[str, tuple[str, ...]]:
    """Return the nodes that are named, by the property that was broken."""
    return {
        leaf.checker: tuple(leaf.evidence.facts["nodes"])  # type: ignore[arg-type]
        for leaf in judge_facts(facts).leaves()
        if leaf.evidence is not None
    }


ONE, TWO, THREE = (1, 11), (1, 12), (2, 13)
"""Entries: a term and what they say."""
OF_ALL = MembersChanged(1, ("n1", "n2", "n3"), (), ())


@pytest.mark.parametrize(
    ("facts", "convicted"),
    [
        pytest.param(
            story(("n1", LedFrom(2)), ("n2", LedFrom(2))),
            {ELECTION_SAFETY: ("n1", "n2")},
            id="two leaders of a term",
        ),
        pytest.param(
            story(("n1", appended(1, ONE, TWO)), ("n1", LedFrom(3)), ("n1", appended(2, (3, 9)))),
            {LEADER_APPEND_ONLY: ("n1",)},
            id="a leader overwrites its log",
        ),
        pytest.param(
            story(("n1", appended(1, ONE)), ("n2", appended(1, TWO))),
            {LOG_MATCHING: ("n1", "n2")},
            id="one index and term, two entries",
        ),
        pytest.param(
            story(
                ("n1", appended(1, ONE, THREE)),
                ("n2", appended(1, (2, 10))),
                ("n2", appended(2, THREE)),
            ),
            {LOG_MATCHING: ("n1", "n2")},
            id="one entry, two pasts",
        ),
        pytest.param(
            story(
                ("n1", HardState(1, None)),
                ("n1", appended(1, ONE, TWO)),
                ("n1", CommittedTo(2)),
                ("n2", appended(1, ONE)),
                ("n2", LedFrom(2)),
            ),
            {LEADER_COMPLETENESS: ("n2", "n1")},
            id="a leader without a committed entry",
        ),
        pytest.param(
            story(
                ("n2", appended(1, (1, 11), (2, 12))),
                ("n2", LedFrom(5)),
                ("n1", HardState(4, None)),
                ("n1", appended(1, (1, 11), (4, 12))),
                ("n1", CommittedTo(2)),
            ),
            {LEADER_COMPLETENESS: ("n2", "n1")},
            id="a leader with another entry than was committed, as is learnt later",
        ),
        pytest.param(
            story(
                ("n1", HardState(1, None)),
                ("n1", appended(1, ONE)),
                ("n1", CommittedTo(1)),
                ("n1", CommittedTo(2, marks(2, TWO))),
                ("n2", appended(1, (1, 99))),
                ("n2", LedFrom(2)),
            ),
            {LEADER_COMPLETENESS: ("n2", "n1"), LOG_MATCHING: ("n1", "n2")},
            id="a leader without a committed entry, behind which one is not known",
        ),
        pytest.param(
            story(
                ("n1", HardState(2, None)),
                ("n2", HardState(2, None)),
                ("n1", appended(1, ONE)),
                ("n1", CommittedTo(1)),
                ("n2", appended(1, THREE)),
                ("n2", CommittedTo(1)),
            ),
            {STATE_MACHINE_SAFETY: ("n1", "n2")},
            id="two entries committed at one index",
        ),
        pytest.param(
            story(
                ("n1", appended(1, ONE)),
                ("n1", CommittedTo(1)),
                ("n2", CommittedTo(1, marks(1, (1, 99)))),
            ),
            {STATE_MACHINE_SAFETY: ("n1", "n2")},
            id="another entry applied than held",
        ),
        pytest.param(
            story(("n1", CommittedTo(1, marks(1, ONE))), ("n2", CommittedTo(1, marks(1, THREE)))),
            {STATE_MACHINE_SAFETY: ("n1", "n2")},
            id="two entries applied at one index, neither of which is durable",
        ),
        pytest.param(
            story(
                ("n1", CommittedTo(1)),
                ("n2", appended(1, (1, 11))),
                ("n2", CommittedTo(1)),
                ("n1", appended(1, (2, 12), (2, 13))),
                ("n1", CommittedTo(2)),
            ),
            {STATE_MACHINE_SAFETY: ("n1", "n2")},
            id="two entries committed at one index, one of them before it was held",
        ),
        pytest.param(
            story(("n1", HardState(3, None)), ("n1", HardState(2, None))),
            {TERMS_AND_VOTES: ("n1",)},
            id="a term goes back",
        ),
        pytest.param(
            story(("n1", HardState(3, "n2")), ("n1", HardState(3, "n3"))),
            {TERMS_AND_VOTES: ("n1", "n2", "n3")},
            id="two votes in a term",
        ),
        pytest.param(
            story(("n1", HardState(3, "n2")), ("n1", Restarted(3, None, 0, 0, ()))),
            {TERMS_AND_VOTES: ("n1", "n2")},
            id="a vote is forgotten in a restart",
        ),
        pytest.param(
            story(("n1", HardState(3, "n2")), ("n1", Restarted(2, "n2", 0, 0, ()))),
            {TERMS_AND_VOTES: ("n1",)},
            id="a term is forgotten in a restart",
        ),
        pytest.param(
            story(
                ("n1", appended(1, ONE, TWO)), ("n1", CommittedTo(2)), ("n1", appended(2, THREE))
            ),
            {COMMITTED_SURVIVES: ("n1",)},
            id="a committed entry is overwritten",
        ),
        pytest.param(
            story(("n1", appended(1, ONE, TWO)), ("n1", Restarted(0, None, 0, 1, marks(1, ONE)))),
            {COMMITTED_SURVIVES: ("n1",)},
            id="a synced entry is lost in a restart",
        ),
        pytest.param(
            story(
                ("n1", appended(1, ONE, TWO)),
                ("n1", CommittedTo(2)),
                ("n1", Restarted(2, None, 0, 2, marks(1, ONE, THREE))),
            ),
            {COMMITTED_SURVIVES: ("n1",)},
            id="a committed entry is another one after a restart",
        ),
        pytest.param(
            story(("n1", MembersChanged(1, (), ("n2",), ()))),
            {MEMBERS: ("n1",)},
            id="members without a voter",
        ),
        pytest.param(
            story(("n1", MembersChanged(1, ("n1", "n2"), ("n2",), ()))),
            {MEMBERS: ("n1",)},
            id="a voter that learns",
        ),
        pytest.param(
            story(("n1", OF_ALL), ("n1", LedFrom(1)), ("n1", MembersChanged(2, ("n4",), (), ()))),
            {MEMBERS: ("n1",)},
            id="voters change at once",
        ),
        pytest.param(
            story(
                ("n1", OF_ALL),
                ("n1", LedFrom(1)),
                ("n1", MembersChanged(2, ("n1", "n4"), (), ("n1", "n2"))),
            ),
            {MEMBERS: ("n1",)},
            id="joint with voters that there were not",
        ),
        pytest.param(
            story(
                ("n1", MembersChanged(1, ("n1",), (), ())),
                ("n1", appended(1, ONE)),
                ("n2", MembersChanged(1, ("n2",), (), ())),
                ("n2", appended(1, ONE)),
            ),
            {MEMBERS: ("n1", "n2")},
            id="one entry, two memberships",
        ),
    ],
)
def test_a_breach_names_its_property_and_nodes(
    facts: list[Fact], convicted: dict[str, tuple[str, ...]]
) -> None:
    assert broken(facts) == convicted


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(
            story(
                ("n1", HardState(1, "n1")),
                ("n1", LedFrom(1)),
                ("n1", appended(1, ONE, TWO)),
                ("n2", appended(1, ONE)),
                ("n1", CommittedTo(1, marks(1, ONE))),
                ("n1", StoppedLeading()),
                ("n2", HardState(2, "n2")),
                ("n2", LedFrom(2)),
                ("n2", appended(2, THREE)),
                ("n1", appended(2, THREE)),
                ("n2", CommittedTo(2)),
                ("n1", CommittedTo(2)),
            ),
            id="an uncommitted entry is replaced",
        ),
        pytest.param(
            story(
                ("n1", HardState(2, None)),
                ("n2", appended(1, ONE)),
                ("n2", LedFrom(2)),
                ("n1", appended(1, ONE, TWO)),
                ("n1", CommittedTo(2)),
            ),
            id="what a later term commits, an earlier leader need not have",
        ),
        pytest.param(
            story(
                ("n1", appended(1, ONE)),
                ("n1", Restarted(0, None, 0, 2, marks(1, ONE, TWO))),
                ("n1", Restarted(1, "n1", 0, 2, marks(1, ONE, THREE))),
            ),
            id="what was not synced may survive",
        ),
        pytest.param(
            story(
                ("n1", appended(1, ONE, TWO, THREE)),
                ("n1", CommittedTo(3)),
                ("n2", Installed(2, 1)),
                ("n2", appended(3, THREE)),
                ("n2", CommittedTo(3)),
            ),
            id="a state is installed",
        ),
        pytest.param(
            story(
                ("n1", appended(1, ONE, TWO)),
                ("n1", CommittedTo(2)),
                ("n1", Restarted(0, None, 1, 2, marks(2, TWO))),
                ("n1", appended(3, THREE)),
            ),
            id="a log that begins behind a snapshot",
        ),
        pytest.param(
            story(("n1", CommittedTo(2, marks(1, ONE, TWO))), ("n1", appended(1, ONE, TWO))),
            id="applied before it is durable",
        ),
        pytest.param(
            story(
                ("n1", OF_ALL),
                ("n1", LedFrom(1)),
                ("n1", MembersChanged(2, ("n1", "n4"), (), ("n1", "n2", "n3"))),
                ("n1", MembersChanged(3, ("n1", "n4"), (), ())),
                ("n1", MembersChanged(4, ("n1", "n4"), ("n5",), ())),
            ),
            id="members change step by step",
        ),
        pytest.param(
            story(("n2", OF_ALL), ("n2", MembersChanged(3, ("n1", "n4"), (), ()))),
            id="a follower is heard of the last of several changes",
        ),
    ],
)
def test_what_raft_does_is_valid(facts: list[Fact]) -> None:
    verdict = judge_facts(facts)

    assert verdict.answer is Answer.VALID, verdict.reason


def test_every_property_has_a_breach() -> None:
    assert {
        ELECTION_SAFETY,
        LEADER_APPEND_ONLY,
        LOG_MATCHING,
        LEADER_COMPLETENESS,
        STATE_MACHINE_SAFETY,
        TERMS_AND_VOTES,
        COMMITTED_SURVIVES,
        MEMBERS,
    } == set(PROPERTIES)


def test_evidence_names_index_and_terms() -> None:
    facts = story(
        ("n1", HardState(1, None)),
        ("n1", appended(1, ONE)),
        ("n1", CommittedTo(1)),
        ("n2", HardState(2, None)),
        ("n2", appended(1, THREE)),
        ("n2", CommittedTo(1)),
    )

    leaf = next(leaf for leaf in judge_facts(facts).leaves() if leaf.evidence is not None)

    assert leaf.evidence is not None
    assert leaf.evidence.facts["index"] == 1
    assert leaf.evidence.facts["terms"] == [1, 2]


def test_without_facts_nothing_is_proven() -> None:
    assert judge_facts([]).answer is Answer.UNKNOWN
