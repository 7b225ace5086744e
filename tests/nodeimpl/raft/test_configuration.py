"""Configurations and their changes, by example."""

import msgspec
import pytest

from nodeimpl.ids import NodeId, RequestId
from nodeimpl.raft.configuration import (
    Change,
    Configuration,
    ConfigurationEntry,
    ConfigurationError,
    Objection,
    decode_configuration_entry,
    encode_configuration_entry,
    final_configuration,
    next_configuration,
    objection,
)


def ids(*numbers: int) -> tuple[NodeId, ...]:
    return tuple(map(NodeId, numbers))


THREE = Configuration(voters=ids(1, 2, 3))
WITH_LEARNER = Configuration(voters=ids(1, 2, 3), learners=ids(4))


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ((ids(2, 1), (), None), "ascending order"),
        ((ids(1, 1), (), None), "ascending order"),
        (((), ids(1), None), "without a voter"),
        ((ids(1), (), ()), "without outgoing voters"),
        ((ids(1, 2), ids(2), None), r"\[2\] are voters and learners"),
        ((ids(1), ids(2), ids(2)), r"\[2\] are voters and learners"),
    ],
)
def test_members_that_make_no_configuration_are_refused(
    parts: tuple[tuple[NodeId, ...], tuple[NodeId, ...], tuple[NodeId, ...] | None],
    complaint: str,
) -> None:
    voters, learners, outgoing = parts

    with pytest.raises(ConfigurationError, match=complaint):
        Configuration(voters, learners, outgoing)


def test_all_who_are_sent_entries_are_members() -> None:
    joint = Configuration(voters=ids(1, 5), learners=ids(4), outgoing=ids(1, 2))

    assert joint.members == (1, 2, 4, 5)
    assert joint.voter_sets == ((1, 5), (1, 2))
    assert [joint.has_voter(node_id) for node_id in ids(1, 2, 4, 5, 9)] == [
        True,
        True,
        False,
        True,
        False,
    ]


def test_a_configuration_without_members_has_no_set_of_voters() -> None:
    assert Configuration().voter_sets == ()


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (Change(added=ids(5)), Configuration(ids(1, 2, 3), ids(4, 5))),
        (Change(removed=ids(4)), Configuration(ids(1, 2, 3))),
        (Change(promoted=ids(4)), Configuration(ids(1, 2, 3, 4), (), ids(1, 2, 3))),
        (Change(removed=ids(2)), Configuration(ids(1, 3), ids(4), ids(1, 2, 3))),
        (
            Change(promoted=ids(4), removed=ids(1)),
            Configuration(ids(2, 3, 4), (), ids(1, 2, 3)),
        ),
    ],
    ids=["add", "remove a learner", "promote", "remove a voter", "replace"],
)
def test_a_change_is_joint_exactly_if_it_touches_voters(
    change: Change, after: Configuration
) -> None:
    assert next_configuration(WITH_LEARNER, change) == after


def test_the_final_configuration_forgets_the_outgoing_voters() -> None:
    joint = Configuration(ids(2, 3, 4), (), ids(1, 2, 3))

    assert final_configuration(joint) == Configuration(ids(2, 3, 4))
    with pytest.raises(AssertionError, match="only a joint configuration"):
        final_configuration(THREE)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(added=ids(5)), None),
        (Change(promoted=ids(4)), None),
        (Change(removed=ids(1, 2, 4)), None),
        (Change(), Objection.NOTHING_TO_CHANGE),
        (Change(promoted=ids(4), removed=ids(4)), Objection.NOTHING_TO_CHANGE),
        (Change(added=ids(3)), Objection.ALREADY_MEMBER),
        (Change(added=ids(4)), Objection.ALREADY_MEMBER),
        (Change(removed=ids(9)), Objection.NOT_MEMBER),
        (Change(promoted=ids(9)), Objection.NOT_MEMBER),
        (Change(promoted=ids(3)), Objection.NOT_LEARNER),
        (Change(removed=ids(1, 2, 3)), Objection.NO_VOTER),
        (Change(added=ids(5, 6)), Objection.TOO_MANY_LEARNERS),
    ],
)
def test_each_objection_has_its_reason(change: Change, expected: Objection | None) -> None:
    assert objection(WITH_LEARNER, change, learners_max=2) is expected


def test_a_learner_may_take_the_place_of_one_that_is_promoted_at_once() -> None:
    change = Change(added=ids(5), promoted=ids(4))

    assert objection(WITH_LEARNER, change, learners_max=1) is None


def test_nothing_is_changed_in_a_joint_configuration() -> None:
    joint = Configuration(ids(2, 3, 4), (), ids(1, 2, 3))

    found = objection(joint, Change(added=ids(5)), learners_max=9)

    assert found is Objection.CHANGE_UNDER_WAY


def test_what_was_encoded_is_decoded() -> None:
    entry = ConfigurationEntry(RequestId(7), WITH_LEARNER)

    assert decode_configuration_entry(encode_configuration_entry(entry)) == entry


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", msgspec.msgpack.encode([7, [[2, 1], [], None]])],
    ids=["nothing", "no MessagePack", "no configuration"],
)
def test_bytes_that_hold_no_configuration_are_refused(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        decode_configuration_entry(data)
