"""Planted bugs in how commands change revisions, versions and keys (etcd, data model)."""

from bisect import bisect_right

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.api.errors import ApiError
from nodeimpl.api.rpc_pb2 import (
    Compare,
    DeleteRangeRequest,
    DeleteRangeResponse,
    TxnRequest,
    TxnResponse,
)
from nodeimpl.ids import LeaseId, Revision
from nodeimpl.mvcc.key_index import Found, Generation, KeyIndex
from nodeimpl.mvcc.key_ranges import key_range
from nodeimpl.mvcc.rows import put_row
from nodeimpl.mvcc.state import StoreState
from nodeimpl.mvcc.txn import Branch, apply_txn, choose, compare_holds
from nodeimpl.mvcc.writing import Writer, carry_out_delete_range

_put_in_index = KeyIndex.put
_end_life = KeyIndex.tombstone
_put = Writer.put


def _end_life_keeping_version(key_index: KeyIndex, main: Revision, sub: int) -> None:
    _end_life(key_index, main, sub)
    ended, begun = key_index.generations[-2:]
    begun.version = ended.version - 1


def _put_as_created_first(key_index: KeyIndex, main: Revision, sub: int) -> Generation:
    generation = _put_in_index(key_index, main, sub)
    if generation.version == 1 and len(key_index.generations) > 1:
        generation.created = key_index.generations[-2].created
    return generation


def _put_as_created_now(key_index: KeyIndex, main: Revision, sub: int) -> Generation:
    generation = _put_in_index(key_index, main, sub)
    generation.created = main
    return generation


def _delete_taking_revision(
    writer: Writer, request: DeleteRangeRequest, response: DeleteRangeResponse
) -> None:
    carry_out_delete_range(writer, request, response)
    if not response.deleted:
        writer.change_count += 1
        response.header.revision = writer.present


def _put_at_next_revision(writer: Writer, key: bytes, value: bytes, lease: LeaseId) -> None:
    """Give each put of a transaction a revision of its own."""
    if writer.change_count:
        writer.revision = Revision(writer.revision + 1)
    _put(writer, key, value, lease)


def _delete_all_but_last(
    writer: Writer, request: DeleteRangeRequest, response: DeleteRangeResponse
) -> None:
    """Spare the last key of a range, and count it all the same."""
    keys = key_range(request.key, request.range_end)
    existing = [key for key, _ in writer.state.index.scan(keys, writer.present)]
    if not request.range_end or not existing:
        carry_out_delete_range(writer, request, response)
        return
    shorter = DeleteRangeRequest()
    shorter.CopyFrom(request)
    shorter.range_end = existing[-1]
    carry_out_delete_range(writer, shorter, response)
    response.deleted += 1


def _first_row_of(main: Revision, sub: int) -> bytes:
    del sub
    return put_row(main, 0)


def _judge_afterwards(state: StoreState, request: TxnRequest) -> TxnResponse | ApiError:
    response = apply_txn(state, request)
    if isinstance(response, TxnResponse):
        response.succeeded = all(compare_holds(state, compare) for compare in request.compare)
    return response


def _choose_by_first_compare(state: StoreState, request: TxnRequest) -> Branch:
    shorter = TxnRequest()
    shorter.CopyFrom(request)
    del shorter.compare[1:]
    return choose(state, shorter)


def _choose_any_compare(state: StoreState, request: TxnRequest) -> Branch:
    branch = choose(state, request)
    if branch.succeeded or not any(compare_holds(state, each) for each in request.compare):
        return branch
    unconditional = TxnRequest()
    unconditional.CopyFrom(request)
    del unconditional.compare[:]
    return choose(state, unconditional)


def _hold_mod_against_create(state: StoreState, compare: Compare) -> bool:
    if compare.target != Compare.MOD:
        return compare_holds(state, compare)
    mistaken = Compare()
    mistaken.CopyFrom(compare)
    mistaken.target = Compare.CREATE
    mistaken.create_revision = compare.mod_revision
    return compare_holds(state, mistaken)


def _nothing_differs_from_value(state: StoreState, compare: Compare) -> bool:
    if (
        compare.target == Compare.VALUE
        and compare.result == Compare.NOT_EQUAL
        and state.index.find(compare.key, state.revision) is None
    ):
        return True
    return compare_holds(state, compare)


def _find_between_lives(key_index: KeyIndex, at: Revision) -> Found | None:
    """Find, at a revision at which the key was deleted and is there again now, its last value."""
    found = _find(key_index, at)
    if found is not None or key_index.generations[-1].is_empty:
        return found
    for generation in reversed(key_index.generations[:-1]):
        position = bisect_right(generation.mains, at, hi=len(generation.mains) - 1) - 1
        if position >= 0:
            return Found(
                generation.mains[position],
                generation.subs[position],
                generation.created,
                generation.version - (len(generation.mains) - 1 - position),
            )
    return None


_find = KeyIndex.find


def _finish_without_deletes(writer: Writer) -> None:
    """Leave the revision where it was if the last change was a deletion."""
    state, last = writer.state, writer.change_count - 1
    if last >= 0 and state.backend.get(put_row(writer.revision, last)) is not None:
        state.revision = writer.present


MUTANTS = (
    Mutant(
        name="version-survives-delete",
        breaks="etcd data_model: a deletion resets the version to zero; the key's next life begins "
        "with version 1",
        patches=(patch(KeyIndex.tombstone, _end_life_keeping_version),),
    ),
    Mutant(
        name="create-revision-survives-delete",
        breaks="etcd data_model: create_revision is that of the last creation; a deleted key that "
        "is put again was created anew",
        patches=(patch(KeyIndex.put, _put_as_created_first),),
    ),
    Mutant(
        name="create-revision-lost-on-update",
        breaks="etcd data_model: create_revision stays while the key lives; only mod_revision "
        "follows the puts",
        patches=(patch(KeyIndex.put, _put_as_created_now),),
    ),
    Mutant(
        name="delete-of-nothing-takes-revision",
        breaks="etcd api_guarantees: the revision grows with each change; a delete that found "
        "nothing changed nothing",
        patches=(patch(carry_out_delete_range, _delete_taking_revision),),
    ),
    Mutant(
        name="delete-takes-no-revision",
        breaks="etcd data_model: each change, deletions too, is at a revision of its own; a delete "
        "that shares its revision with the next put",
        patches=(patch(Writer.finish, _finish_without_deletes),),
    ),
    Mutant(
        name="two-revisions-per-txn",
        breaks="etcd api: a transaction increments the revision once, and every change it made "
        "bears that revision",
        patches=(patch(Writer.put, _put_at_next_revision),),
    ),
    Mutant(
        name="txn-rows-overwritten",
        breaks="etcd data_model: changes of one transaction are told apart by their sub-revision; "
        "without it the second put takes the first one's row",
        patches=(patch(put_row, _first_row_of),),
    ),
    Mutant(
        name="delete-range-spares-last-key",
        breaks="etcd api: delete_range deletes every key of [key, range_end)",
        patches=(patch(carry_out_delete_range, _delete_all_but_last),),
    ),
    Mutant(
        name="txn-judged-afterwards",
        breaks="etcd api: succeeded tells whether the compares held before the transaction, and so "
        "which branch was carried out",
        patches=(patch(apply_txn, _judge_afterwards),),
    ),
    Mutant(
        name="only-first-compare-counts",
        breaks="etcd api: a transaction succeeds if all of its compares hold",
        patches=(patch(choose, _choose_by_first_compare),),
    ),
    Mutant(
        name="any-compare-suffices",
        breaks="etcd api: a transaction succeeds if all of its compares hold, not one of them",
        patches=(patch(choose, _choose_any_compare),),
    ),
    Mutant(
        name="mod-compared-as-create",
        breaks="etcd api: a compare of target MOD looks at the key's mod_revision",
        patches=(patch(compare_holds, _hold_mod_against_create),),
    ),
    Mutant(
        name="absent-key-has-value",
        breaks="etcd api: no condition on the value of a key that does not exist holds, not even "
        "NOT_EQUAL",
        patches=(patch(compare_holds, _nothing_differs_from_value),),
    ),
    Mutant(
        name="deleted-key-in-the-past",
        breaks="etcd data_model: at a revision between two lives of a key it does not exist",
        patches=(patch(KeyIndex.find, _find_between_lives),),
    ),
)
