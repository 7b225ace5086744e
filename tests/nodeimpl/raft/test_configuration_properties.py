"""Joint consensus against its purpose: no two majorities on the way that know nothing of another.

After Raft §6, Figure 11: at no moment can both configurations decide on their own.
"""

from itertools import combinations

from hypothesis import assume, given
from hypothesis import strategies as st

from nodeimpl.ids import NodeId
from nodeimpl.raft.configuration import (
    Change,
    Configuration,
    final_configuration,
    next_configuration,
    objection,
)
from nodeimpl.raft.quorum import is_quorum

FATES = ("absent", "added", "learner", "promoted", "dismissed", "voter", "removed")
"""What a node is before the change, or becomes by it."""


@st.composite
def changes(draw: st.DrawFn) -> tuple[Configuration, Change]:
    """Return members and a change to which nothing in them objects."""
    fates = draw(st.lists(st.sampled_from(FATES), min_size=1, max_size=6))
    named = {
        fate: tuple(NodeId(number) for number, chosen in enumerate(fates, 1) if chosen == fate)
        for fate in FATES
    }
    voters = sorted((*named["voter"], *named["removed"]))
    learners = sorted((*named["learner"], *named["promoted"], *named["dismissed"]))
    assume(voters)
    before = Configuration(tuple(voters), tuple(learners))
    change = Change(
        added=named["added"],
        promoted=named["promoted"],
        removed=tuple(sorted((*named["removed"], *named["dismissed"]))),
    )
    assume(objection(before, change, learners_max=9) is None)
    return before, change


def majorities(configuration: Configuration) -> list[set[NodeId]]:
    """Return every set of members that may decide."""
    return [
        set(chosen)
        for size in range(len(configuration.members) + 1)
        for chosen in combinations(configuration.members, size)
        if is_quorum(configuration.voter_sets, set(chosen))
    ]


@given(changes())
def test_consecutive_configurations_cannot_decide_apart(
    members_and_change: tuple[Configuration, Change],
) -> None:
    before, change = members_and_change

    after = next_configuration(before, change)
    final = final_configuration(after) if after.is_joint else after

    pairs = [(one, other) for one in majorities(before) for other in majorities(after)] + [
        (one, other) for one in majorities(after) for other in majorities(final)
    ]

    assert all(one & other for one, other in pairs)


@given(changes())
def test_a_change_does_what_it_says(
    members_and_change: tuple[Configuration, Change],
) -> None:
    before, change = members_and_change

    after = next_configuration(before, change)

    final = final_configuration(after) if after.is_joint else after
    assert set(final.members) == (set(before.members) | set(change.added)) - set(change.removed)
    assert set(change.promoted) <= set(final.voters)
    assert set(change.added) <= set(final.learners)
