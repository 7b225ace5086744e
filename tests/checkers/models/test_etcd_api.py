"""Parsing kv requests and responses."""

import msgspec
import pytest

from checkers.models.etcd_api import (
    Compare,
    Delete,
    DeleteResult,
    KeyValue,
    Put,
    PutResult,
    Read,
    ReadResult,
    Relation,
    Response,
    Result,
    Selection,
    Target,
    Txn,
    TxnResult,
    has_effect,
    in_interval,
    parse_request,
    parse_response,
)
from tests.checkers.kv_log import kv


def test_a_txn_is_read_with_its_compares_and_branches() -> None:
    value = {
        "compare": [{"key": "a", "target": "mod", "result": "=", "value": 3}],
        "success": [{"put": {"key": "a", "value": "1"}}, {"range": {"key": "a"}}],
        "failure": [{"delete": {"key": "a", "range_end": "c"}}],
    }
    assert parse_request("txn", value) == Txn(
        (Compare("a", Target.MOD, Relation.EQUAL, 3),),
        (Put("a", "1"), Read("a")),
        (Delete("a", "c"),),
    )


def test_more_follows_from_the_count_where_it_was_not_recorded() -> None:
    answer = {"revision": 5, "kvs": [kv("a", "1", 2, 2, 1)], "count": 2}
    assert parse_response(Read("a", "c", limit=1), answer) == Response(
        5, ReadResult((KeyValue("a", "1", 2, 2, 1),), count=2, more=True)
    )


@pytest.mark.parametrize(
    ("f", "value"),
    [
        ("compact", {"revision": 3}),
        ("put", {"key": "a"}),
        ("put", {"key": "a", "value": 1}),
        ("put", {"key": "a", "value": "1", "ignore_value": True}),
        ("put", {"key": "a", "value": "1", "lease": 3, "ignore_lease": True}),
        ("range", {"key": "a", "sort_target": "lease"}),
        ("range", {"key": "a", "selection": {"keys_only": True}}),
        ("range", {"key": "a", "sort_order": "up"}),
        ("lease-revoke", {"lease": 7}),
        ("get", None),
        ("txn", {"success": [{"put": {"key": "a", "value": "1"}, "range": {"key": "a"}}]}),
        ("txn", {"success": [{}]}),
        ("txn", {"compare": [{"key": "a", "target": "mod", "result": "=", "value": "3"}]}),
        ("txn", {"compare": [{"key": "a", "target": "value", "result": "=", "value": 3}]}),
        ("txn", {"compare": [{"key": "a", "target": "lease", "result": "=", "value": "3"}]}),
        ("txn", {"compare": [{"key": "a", "target": "key", "result": "=", "value": 3}]}),
    ],
)
def test_what_is_not_a_request_we_know_is_refused(f: str, value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        parse_request(f, value)


@pytest.mark.parametrize(
    "value",
    [
        {"revision": 3, "succeeded": True, "responses": []},
        {"revision": 3, "succeeded": True, "responses": [{"delete": {"deleted": 0}}]},
        {"revision": 3, "succeeded": True, "responses": [{}]},
        {"succeeded": True, "responses": [{"put": {}}]},
    ],
)
def test_answers_that_do_not_fit_their_txn_are_refused(value: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        parse_response(Txn((), (Put("a", "1"),), ()), value)


@pytest.mark.parametrize(
    ("key", "range_end", "inside"),
    [
        ("b", None, False),
        ("a", "", True),
        ("b", "c", True),
        ("c", "c", False),
        ("z", "\0", True),
        ("A", "\0", False),
    ],
)
def test_an_interval_has_its_first_key_but_not_its_end(
    key: str,
    range_end: str | None,
    inside: bool,  # noqa: FBT001
) -> None:
    assert in_interval(key, "a", range_end) is inside


@pytest.mark.parametrize(
    ("result", "wrote"),
    [
        (PutResult(), True),
        (ReadResult((), count=0), False),
        (DeleteResult(0), False),
        (DeleteResult(2), True),
        (TxnResult(succeeded=True, responses=(ReadResult((), count=0), DeleteResult(0))), False),
        (TxnResult(succeeded=False, responses=(DeleteResult(0), DeleteResult(1))), True),
    ],
)
def test_an_answer_tells_whether_anything_was_written(
    result: Result,
    wrote: bool,  # noqa: FBT001
) -> None:
    assert has_effect(result) is wrote


def test_how_a_read_selects_is_written_beside_what_it_reads() -> None:
    value = {"key": "a", "range_end": "c", "limit": 2, "sort_target": "mod", "keys_only": True}
    assert parse_request("range", value) == Read(
        "a", "c", 2, selection=Selection(sort_target=Target.MOD, keys_only=True)
    )


def test_a_selection_of_everything_is_none() -> None:
    assert parse_request("range", {"key": "a", "sort_order": "none"}) == Read("a")


def test_a_count_alone_says_nothing_of_more() -> None:
    read = Read("a", "c", selection=Selection(count_only=True))
    answer = {"revision": 5, "kvs": [], "count": 2}
    assert parse_response(read, answer) == Response(5, ReadResult((), count=2, more=False))


def test_whether_a_bounded_read_was_cut_must_be_recorded() -> None:
    read = Read("a", "c", limit=1, selection=Selection(min_mod_revision=2))
    with pytest.raises(msgspec.ValidationError):
        parse_response(read, {"revision": 5, "kvs": [], "count": 2})


def test_a_txn_within_a_txn_has_an_answer_of_its_own() -> None:
    inner = {"compare": [], "success": [{"put": {"key": "a", "value": "1", "prev_kv": True}}]}
    request = parse_request("txn", {"success": [{"txn": inner}]})
    assert request == Txn((), (Txn((), (Put("a", "1", prev_kv=True),), ()),), ())
    before = kv("a", "0", 2, 2, 1)
    done = {"txn": {"succeeded": True, "responses": [{"put": {"prev_kv": before}}]}}
    answer = {"revision": 3, "succeeded": True, "responses": [done]}
    put = PutResult(KeyValue("a", "0", 2, 2, 1))
    result = TxnResult(succeeded=True, responses=(TxnResult(succeeded=True, responses=(put,)),))
    assert parse_response(request, answer) == Response(3, result)
    assert has_effect(result)
