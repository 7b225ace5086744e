"""Writing: the changes of one command, all at one revision (etcd, mvcc/kvstore_txn.go).

A command that changes nothing leaves the revision where it was.
"""

from dataclasses import dataclass

from nodeimpl.api.errors import KEY_NOT_FOUND, LEASE_NOT_FOUND, ApiError
from nodeimpl.api.kv_pb2 import KeyValue
from nodeimpl.api.rpc_pb2 import (
    DeleteRangeRequest,
    DeleteRangeResponse,
    PutRequest,
    PutResponse,
)
from nodeimpl.ids import LeaseId, Revision
from nodeimpl.mvcc.key_index import Found
from nodeimpl.mvcc.key_ranges import key_range
from nodeimpl.mvcc.leases import NO_LEASE
from nodeimpl.mvcc.rows import put_row, tombstone_row
from nodeimpl.mvcc.state import StoreState, chain


@dataclass(slots=True)
class Writer:
    """Carries out the changes of one command; `finish` when all are made."""

    state: StoreState
    revision: Revision
    """The revision being written: one more than the store's."""
    change_count: int = 0
    """Changes so far, and so the `sub` of the next."""

    @property
    def present(self) -> Revision:
        """The revision that counts as now for this command: its own once it changed something."""
        return self.revision if self.change_count else self.state.revision

    def put(self, key: bytes, value: bytes, lease: LeaseId) -> None:
        """Set `key`; its version grows by one, or starts at 1 if it did not exist."""
        sub = self.change_count
        generation = self.state.index.put(key, self.revision, sub)
        kv = KeyValue()  # Field by field: twice as fast as by keywords.
        kv.key = key
        kv.create_revision = generation.created
        kv.mod_revision = self.revision
        kv.version = generation.version
        kv.value = value
        kv.lease = lease
        self._write(put_row(self.revision, sub), kv)
        leases = self.state.leases
        if lease or leases.lease_of:
            leases.attach(key, lease)

    def delete(self, key: bytes) -> None:
        """Put a tombstone on `key`, which must exist."""
        sub = self.change_count
        self.state.index.tombstone(key, self.revision, sub)
        self._write(
            tombstone_row(self.revision, sub), KeyValue(key=key, mod_revision=self.revision)
        )
        if self.state.leases.lease_of:
            self.state.leases.attach(key, NO_LEASE)

    def finish(self) -> None:
        """Move the store to the revision written, if anything was."""
        self.state.revision = self.present

    def _write(self, row: bytes, kv: KeyValue) -> None:
        state = self.state
        record = kv.SerializeToString()
        state.backend.put(row, record)
        state.hash = chain(record, state.hash)
        self.change_count += 1


def begin(state: StoreState) -> Writer:
    """Return the writer of the next command. One at a time."""
    return Writer(state, Revision(state.revision + 1))


def lease_error(state: StoreState, request: PutRequest) -> ApiError | None:
    """Return `LEASE_NOT_FOUND` if the put names a lease that does not exist."""
    lease = request.lease
    return LEASE_NOT_FOUND if lease and lease not in state.leases.by_id else None


def previous_error(state: StoreState, request: PutRequest) -> ApiError | None:
    """Return `KEY_NOT_FOUND` if the put is to keep something of a key that does not exist."""
    if not (request.ignore_value or request.ignore_lease):
        return None
    return KEY_NOT_FOUND if state.index.find(request.key, state.revision) is None else None


def carry_out_put(writer: Writer, request: PutRequest, response: PutResponse) -> None:
    """Make a put that has neither `lease_error` nor `previous_error`; fill its empty response."""
    value, lease = request.value, LeaseId(request.lease)
    if request.prev_kv or request.ignore_value or request.ignore_lease:
        previous = _present_kv(writer, request.key)
        if previous is not None:
            value = previous.value if request.ignore_value else value
            lease = LeaseId(previous.lease) if request.ignore_lease else lease
            if request.prev_kv:
                response.prev_kv.CopyFrom(previous)
    writer.put(request.key, value, lease)
    writer.state.tally.puts += 1
    response.header.revision = writer.revision


def carry_out_delete_range(
    writer: Writer, request: DeleteRangeRequest, response: DeleteRangeResponse
) -> None:
    """Delete every key of the range that exists, and fill an empty response.

    Deleting nothing changes nothing.
    """
    existing = _existing(writer, request)
    for key, found in existing:
        if request.prev_kv:
            response.prev_kvs.add().ParseFromString(writer.state.record(found))
        writer.delete(key)
    writer.state.tally.deletes += 1
    response.deleted = len(existing)
    response.header.revision = writer.present


def _present_kv(writer: Writer, key: bytes) -> KeyValue | None:
    found = writer.state.index.find(key, writer.present)
    return None if found is None else KeyValue.FromString(writer.state.record(found))


def _existing(writer: Writer, request: DeleteRangeRequest) -> list[tuple[bytes, Found]]:
    """Return the keys of the range that exist as the command stands, in key order."""
    index, present = writer.state.index, writer.present
    if not request.range_end:
        found = index.find(request.key, present)
        return [] if found is None else [(request.key, found)]
    return list(index.scan(key_range(request.key, request.range_end), present))
