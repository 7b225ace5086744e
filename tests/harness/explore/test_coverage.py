"""Abstract states: which node is which does not matter, and neither do terms and indices."""

from checkers.history import NEMESIS, Op, OpType
from harness.environments.simulation.trace import (
    Committed,
    Crashed,
    Members,
    Noted,
    Role,
    Started,
    Transition,
    What,
)
from harness.explore.coverage import StateCoverage


def seen(*story: tuple[str, What] | Op) -> tuple[str, ...]:
    coverage = StateCoverage()
    for part in story:
        if isinstance(part, Op):
            coverage.note(part)
        else:
            coverage.write(Transition(0, *part), b"")
    return coverage.states


def start(node: str, term: int = 0, applied: int = 0) -> tuple[str, What]:
    return node, Started(1, term, applied, applied, 0)


def nemesis(do: str, phase: str, node: str = "n1", outcome: str = "done") -> Op:
    value = {"phase": phase, "outcome": outcome, "node": node}
    return Op(index=0, time=0, process=NEMESIS, type=OpType.INFO, f=do, value=value)


TWO = (start("n1"), start("n2"))


def test_roles_terms_and_lags_are_seen_relative_to_each_other() -> None:
    states = seen(
        *TWO,
        ("n1", Role("leader", 7, "n1")),
        ("n2", Role("follower", 7, "n1")),
        ("n1", Committed(1, 30, 7)),
        ("n2", Committed(1, 25, 7)),
    )
    assert states == (
        "F00 whole founders",
        "F00 F00 whole founders",
        "F20 L00 whole founders",
        "F00 L00 whole founders",
        "F02 L00 whole founders",
        "F01 L00 whole founders",
    )


def test_trials_that_differ_in_names_and_numbers_meet() -> None:
    one = seen(*TWO, ("n1", Role("leader", 1, "n1")), ("n2", Role("follower", 1, "n1")))
    other = seen(*TWO, ("n2", Role("leader", 9, "n2")), ("n1", Role("follower", 9, "n2")))
    assert one[-1] == other[-1]


def test_what_stops_a_node_is_seen() -> None:
    assert seen(*TWO, ("n1", Crashed("kept", 0)))[-1] == "F00 X00 whole founders"
    assert seen(*TWO, nemesis("pause", "begin"))[-1] == "F00 Z00 whole founders"
    paused = (nemesis("pause", "begin"), nemesis("pause", "end"))
    assert seen(*TWO, *paused, ("n2", Crashed("kept", 0)))[-1] == "F00 X00 whole founders"


def test_what_links_suffer_is_seen_as_long_as_it_lasts() -> None:
    cut = nemesis("partition", "begin")
    lossy = nemesis("lose", "begin")
    assert seen(*TWO, cut)[-1] == "F00 F00 cut founders"
    assert seen(*TWO, lossy, cut)[-1] == "F00 F00 cutimpaired founders"
    healed = nemesis("partition", "end")
    assert seen(*TWO, cut, healed, ("n2", Crashed("kept", 0)))[-1] == "F00 X00 whole founders"


def test_what_was_skipped_did_not_happen() -> None:
    assert seen(*TWO, nemesis("partition", "begin", outcome="skipped"))[-1] == (
        "F00 F00 whole founders"
    )


def test_members_are_those_of_the_latest_configuration() -> None:
    grown = Members(("n1", "n2"), ("n3",), (), 5)
    earlier = Members(("n1", "n2"), (), (), 3)
    assert seen(*TWO, ("n1", grown), ("n2", earlier))[-1] == "F00 F00 whole 2+1"


def test_the_nemesis_and_nodes_that_never_started_are_no_nodes() -> None:
    assert seen(("nemesis", Noted("kills n1")), ("n9", Crashed("kept", 0))) == ()
