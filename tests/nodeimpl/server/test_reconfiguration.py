"""Changes of members that might lose the quorum, judged as etcd judges them."""

import math

import pytest

from nodeimpl.api.errors import NOT_ENOUGH_MEMBERS, UNHEALTHY, ApiError
from nodeimpl.ids import NodeId
from nodeimpl.server.reconfiguration import (
    Standing,
    objection_to_adding,
    objection_to_promoting,
    objection_to_removing,
)

OWN = NodeId(1)
FRESH, GONE, NEVER_STARTED = "fresh", "gone", "never started"


def voters(*others: str) -> list[Standing]:
    """Return this node, and others: well unless said otherwise."""
    seconds = {"well": 60.0, FRESH: 4.9, GONE: None, NEVER_STARTED: None}
    own = Standing(member_id=OWN, is_started=True, connected_seconds=math.inf)
    return [
        own,
        *(
            Standing(
                member_id=NodeId(number),
                is_started=other != NEVER_STARTED,
                connected_seconds=seconds[other],
            )
            for number, other in enumerate(others, start=2)
        ),
    ]


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), None),  # the one case in which a quorum may be lost: one alone has no other way
        (("well", "well"), None),
        ((NEVER_STARTED,), NOT_ENOUGH_MEMBERS),
        (("well", NEVER_STARTED), NOT_ENOUGH_MEMBERS),
        (("well", GONE), UNHEALTHY),
        (("well", FRESH), UNHEALTHY),
    ],
)
def test_adding_a_voter(others: tuple[str, ...], expected: ApiError | None) -> None:
    assert objection_to_adding(voters(*others), is_learner=False) == expected


@pytest.mark.parametrize(
    ("others", "expected"), [((), None), (("well",), None), ((NEVER_STARTED,), UNHEALTHY)]
)
def test_adding_a_learner_takes_nothing_from_the_quorum(
    others: tuple[str, ...], expected: ApiError | None
) -> None:
    assert objection_to_adding(voters(*others), is_learner=True) == expected


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), None),
        (("well", "well"), None),
        ((NEVER_STARTED, NEVER_STARTED), NOT_ENOUGH_MEMBERS),
    ],
)
def test_promoting(others: tuple[str, ...], expected: ApiError | None) -> None:
    assert objection_to_promoting(voters(*others)) == expected


@pytest.mark.parametrize(
    ("others", "leaving", "expected"),
    [
        ((), 1, NOT_ENOUGH_MEMBERS),  # nobody would be left
        (("well", "well"), 2, None),
        (("well", "well"), 1, None),
        (("well", GONE), 3, None),  # who is gone carries nothing
        (("well", GONE), 2, UNHEALTHY),
        (("well", GONE), 1, UNHEALTHY),
        (("well", FRESH), 2, UNHEALTHY),
        (("well", NEVER_STARTED), 3, None),
        ((NEVER_STARTED,), 2, None),  # as when the second turns out not to start
        ((NEVER_STARTED,), 1, NOT_ENOUGH_MEMBERS),
        ((NEVER_STARTED, NEVER_STARTED), 2, NOT_ENOUGH_MEMBERS),
        (("well", "well"), 9, None),  # no voter
    ],
)
def test_removing(others: tuple[str, ...], leaving: int, expected: ApiError | None) -> None:
    assert objection_to_removing(voters(*others), OWN, NodeId(leaving)) == expected
