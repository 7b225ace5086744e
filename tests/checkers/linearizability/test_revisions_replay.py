"""What the replayed store says about wrong answers: which keys are to blame, and how."""

import pytest

from checkers.linearizability.revisions.conflict import Explanation, Mismatch, Need
from checkers.linearizability.revisions.operations import Known
from checkers.linearizability.revisions.replay import Store
from checkers.models.etcd_api import (
    Compare,
    Delete,
    DeleteResult,
    KeyValue,
    Put,
    Read,
    ReadResult,
    Relation,
    Request,
    Result,
    Target,
    Txn,
    TxnResult,
)

A = KeyValue("a", "1", 2, 2, 1)
B = KeyValue("b", "1", 3, 3, 1)


@pytest.fixture
def store() -> Store:
    """Return a store at revision 3 that holds `A` and `B`, and might hold c."""
    store = Store(["a", "b", "c"])
    store.apply(Put("a", "1"), 2)
    store.apply(Put("b", "1"), 3)
    return store


def mismatch(store: Store, request: Request, result: Result) -> Mismatch | None:
    """Return what is wrong with `result` as the answer to `request` at revision 3."""
    return store.replay(Known(0, 1, 0, 3, 3, wrote=False, request=request, result=result))


def blamed(store: Store, request: Request, result: Result) -> tuple[Explanation, ...]:
    """Return the keys to blame that `result` is wrong."""
    found = mismatch(store, request, result)
    assert found is not None
    return found.explanations


def test_a_right_answer_is_no_mismatch(store: Store) -> None:
    assert mismatch(store, Read("a", "c"), ReadResult((A, B), count=2)) is None


def test_each_wrong_key_of_a_range_suffices(store: Store) -> None:
    answer = ReadResult((KeyValue("a", "2", 2, 2, 1), KeyValue("c", "1", 3, 3, 1)), count=2)
    assert blamed(store, Read("a", "d"), answer) == (
        Explanation(("a",), Need.OTHER),
        Explanation(("b",), Need.ABSENT),
        Explanation(("c",), Need.PRESENT),
    )


def test_a_right_key_shown_in_place_of_another_is_not_to_blame(store: Store) -> None:
    # Blaming b for being shown first, where only a was expected, convicted valid histories.
    answer = ReadResult((B,), count=2, more=True)
    assert blamed(store, Read("a", "d", limit=1), answer) == (Explanation(("a",), Need.ABSENT),)


def test_a_key_hidden_by_a_limit_is_not_to_blame_for_being_hidden(store: Store) -> None:
    answer = ReadResult((A,), count=3, more=True)
    assert blamed(store, Read("a", "d", limit=1), answer) == (Explanation(("c",), Need.PRESENT),)


def test_a_count_too_high_is_blamed_on_all_that_are_absent(store: Store) -> None:
    answer = ReadResult((A, B), count=3)
    assert blamed(store, Read("a", "d"), answer) == (Explanation(("c",), Need.PRESENT),)


def test_a_count_too_low_is_blamed_on_all_that_are_there(store: Store) -> None:
    assert blamed(store, Delete("a", "d"), DeleteResult(1)) == (
        Explanation(("a", "b"), Need.ABSENT),
    )


def test_a_wrong_more_is_blamed_on_all_keys_together(store: Store) -> None:
    answer = ReadResult((A, B), count=2, more=True)
    assert blamed(store, Read("a", "d"), answer) == (Explanation(("a", "b", "c")),)


def test_a_delete_of_one_key_tells_whether_it_should_have_been_there(store: Store) -> None:
    assert blamed(store, Delete("c"), DeleteResult(1)) == (Explanation(("c",), Need.PRESENT),)


def test_a_wrong_branch_for_success_is_blamed_on_any_false_compare(store: Store) -> None:
    compares = tuple(Compare(key, Target.VERSION, Relation.EQUAL, 1) for key in ("a", "b", "c"))
    answer = TxnResult(succeeded=True, responses=())
    assert blamed(store, Txn(compares, (), ()), answer) == (Explanation(("c",)),)


def test_a_wrong_branch_for_failure_is_blamed_on_all_compares_together(store: Store) -> None:
    compares = tuple(Compare(key, Target.VERSION, Relation.EQUAL, 1) for key in ("a", "b"))
    answer = TxnResult(succeeded=False, responses=())
    assert blamed(store, Txn(compares, (), ()), answer) == (Explanation(("a", "b")),)


def test_undo_brings_back_what_was_written_and_deleted(store: Store) -> None:
    mark = store.mark()
    store.apply(Txn((), (Put("a", "2"), Delete("b"), Put("c", "1")), ()), 4)
    store.undo_to(mark)
    assert store.keys == {"a": A, "b": B}


def test_a_txn_that_would_read_its_own_revision_by_number_is_refused(store: Store) -> None:
    assert not store.apply(Txn((), (Put("a", "2"), Read("a", revision=4)), ()), 4)
