"""The MVCC model against what etcd's documents promise."""

import pytest

from checkers.models.etcd import EMPTY, FutureRevisionError, State, accepts, step
from checkers.models.etcd_api import (
    UNBOUNDED,
    Compare,
    Delete,
    DeleteResult,
    KeyValue,
    Put,
    PutResult,
    Read,
    ReadResult,
    Relation,
    Request,
    Response,
    Target,
    Txn,
    TxnResult,
)


def after(*requests: Request) -> State:
    """Return the store after `requests`."""
    state = EMPTY
    for request in requests:
        state, _ = step(state, request)
    return state


def test_the_first_put_makes_revision_2_and_creates_the_key() -> None:
    state, response = step(EMPTY, Put("a", "1"))
    assert response == Response(2, PutResult())
    assert state.keys == (KeyValue("a", "1", create_revision=2, mod_revision=2, version=1),)


def test_a_put_of_the_same_value_still_takes_a_revision_and_a_version() -> None:
    state = after(Put("a", "1"), Put("a", "1"))
    assert state.keys == (KeyValue("a", "1", create_revision=2, mod_revision=3, version=2),)


def test_deleting_nothing_takes_no_revision() -> None:
    state, response = step(after(Put("a", "1")), Delete("b"))
    assert response == Response(2, DeleteResult(0))
    assert state == after(Put("a", "1"))


def test_a_put_after_a_delete_creates_the_key_anew() -> None:
    state = after(Put("a", "1"), Put("a", "2"), Delete("a"), Put("a", "3"))
    assert state.keys == (KeyValue("a", "3", create_revision=5, mod_revision=5, version=1),)


def test_a_range_delete_takes_one_revision_and_spares_its_end() -> None:
    state, response = step(after(Put("a", "1"), Put("b", "1"), Put("c", "1")), Delete("a", "c"))
    assert response == Response(5, DeleteResult(2))
    assert [each.key for each in state.keys] == ["c"]


def test_an_unbounded_range_reads_from_its_key_on() -> None:
    state = after(Put("a", "1"), Put("b", "1"), Put("c", "1"))
    _, response = step(state, Read("b", UNBOUNDED))
    assert response.result == ReadResult(state.keys[1:], count=2)


def test_a_limit_shortens_the_answer_but_not_the_count() -> None:
    state = after(Put("a", "1"), Put("b", "1"), Put("c", "1"))
    _, response = step(state, Read("a", UNBOUNDED, limit=2))
    assert response.result == ReadResult(state.keys[:2], count=3, more=True)


def test_an_old_read_sees_the_old_content_and_the_new_header() -> None:
    state = after(Put("a", "1"), Put("a", "2"))
    _, response = step(state, Read("a", revision=2))
    assert response == Response(3, ReadResult((KeyValue("a", "1", 2, 2, 1),), count=1))


def test_a_future_revision_is_refused() -> None:
    with pytest.raises(FutureRevisionError):
        step(EMPTY, Read("a", revision=2))


def test_all_writes_of_a_txn_share_one_revision() -> None:
    state, response = step(EMPTY, Txn((), (Put("a", "1"), Put("b", "1")), ()))
    assert response == Response(2, TxnResult(succeeded=True, responses=(PutResult(), PutResult())))
    assert [each.mod_revision for each in state.keys] == [2, 2]


def test_a_txn_that_writes_nothing_takes_no_revision() -> None:
    _, response = step(EMPTY, Txn((), (Delete("a"), Read("a")), ()))
    assert response.revision == 1


def test_a_txn_that_ends_where_it_began_still_takes_its_revision() -> None:
    state, response = step(EMPTY, Txn((), (Put("a", "1"), Delete("a")), ()))
    assert (response.revision, state.keys) == (2, ())


def test_steps_of_a_txn_see_what_earlier_steps_wrote() -> None:
    _, response = step(EMPTY, Txn((), (Put("a", "1"), Read("a")), ()))
    assert response.result == TxnResult(
        succeeded=True,
        responses=(PutResult(), ReadResult((KeyValue("a", "1", 2, 2, 1),), count=1)),
    )


@pytest.mark.parametrize(
    ("compare", "holds"),
    [
        (Compare("a", Target.VALUE, Relation.EQUAL, "2"), True),
        (Compare("a", Target.VALUE, Relation.NOT_EQUAL, "2"), False),
        (Compare("a", Target.VALUE, Relation.LESS, "3"), True),
        (Compare("a", Target.VALUE, Relation.GREATER, "10"), True),
        (Compare("a", Target.VERSION, Relation.EQUAL, 2), True),
        (Compare("a", Target.CREATE, Relation.LESS, 2), False),
        (Compare("a", Target.MOD, Relation.GREATER, 2), True),
        (Compare("b", Target.MOD, Relation.EQUAL, 0), True),
        (Compare("b", Target.CREATE, Relation.NOT_EQUAL, 0), False),
        (Compare("b", Target.VALUE, Relation.NOT_EQUAL, "2"), False),
    ],
)
def test_a_compare_decides_the_branch(compare: Compare, holds: bool) -> None:  # noqa: FBT001
    state = after(Put("a", "1"), Put("a", "2"))
    _, response = step(state, Txn((compare,), (), ()))
    assert response.result == TxnResult(succeeded=holds, responses=())


def test_a_wrong_answer_is_not_accepted() -> None:
    assert accepts(EMPTY, Put("a", "1"), Response(3, PutResult())) is None


def test_a_serializable_read_may_lag() -> None:
    state = after(Put("a", "1"), Put("a", "2"))
    answer = Response(2, ReadResult((KeyValue("a", "1", 2, 2, 1),), count=1))
    assert accepts(state, Read("a", serializable=True), answer) == state
    assert accepts(state, Read("a"), answer) is None


def test_a_serializable_read_may_not_run_ahead() -> None:
    answer = Response(2, ReadResult((), count=0))
    assert accepts(EMPTY, Read("a", serializable=True), answer) is None
