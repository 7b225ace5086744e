"""Reports of etcd's robustness tests: a directory with `client-N/operations.json` and `watch.json`.

etcd `tests/robustness/report` writes one JSON object per operation, with request, response, call
and return in nanoseconds by one clock. They become the operations of our `kv` workload:

- A put or delete alone is `put` or `delete`; other transactions are `txn`, whose conditions compare
  mod_revision (or version, where one is expected). Values of 20 bytes or more are recorded there by
  their hash only, and stand here as `hash:N`.
- An operation that ended in an error, or of which only parts are known, is in flight to the end.
- Reads of a compacted or a future revision (`ClientError`) failed.
- A defragmentation and a compaction change no key and are left out.
- The grant and the revocation of a lease are `lease-grant`, whose ttl nobody noted and which is 0
  here, and `lease-revoke`. Without an id they are left out: a grant that was not answered.

A report tells neither create_revision nor version nor lease of what was read. The first two follow
from what its watches saw of that key up to then; the lease from the put that was answered with that
revision or, if none was, from those of unknown outcome that put that value. A read of something
that no watch saw, or that puts with different leases may have written, is left out, for the rest
of it cannot be told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import msgspec

from checkers.formats.text_lines import byte_lines
from checkers.formats.transcript import Entry, history_of
from checkers.heard_file import Heard, unheard
from checkers.history import History, OpType
from checkers.history_file import HistoryFileError

Json = dict[str, object]
StructT = TypeVar("StructT")

OPERATIONS: Final = "operations.json"
WATCH: Final = "watch.json"
_NAMES_LEASE: Final = re.compile(rb'"LeaseID"\s*:\s*[1-9-]')
_LINE_BYTES_MAX: Final = 256 * 1024 * 1024
"""A whole watch is on one line."""


class ReportedValue(msgspec.Struct, frozen=True, rename="pascal"):
    """A value, or the hash of a long one."""

    value: str = ""
    hash: int = 0

    def text(self) -> str:
        """Return the value as it stands in histories."""
        return f"hash:{self.hash}" if self.hash else self.value


class _Range(msgspec.Struct, frozen=True, rename="pascal"):
    start: str = ""
    end: str = ""
    limit: int = 0
    revision: int = 0


class _Put(msgspec.Struct, frozen=True, rename="pascal"):
    key: str = ""
    value: ReportedValue = ReportedValue()
    lease: int = msgspec.field(default=0, name="LeaseID")


class _Delete(msgspec.Struct, frozen=True, rename="pascal"):
    key: str = ""


class _Step(msgspec.Struct, frozen=True, rename="pascal"):
    type: str
    range: _Range = _Range()
    put: _Put = _Put()
    delete: _Delete = _Delete()


class _Condition(msgspec.Struct, frozen=True, rename="pascal"):
    key: str
    expected_revision: int = 0
    expected_version: int = 0


class _Lease(msgspec.Struct, frozen=True, rename="pascal"):
    id: int = msgspec.field(default=0, name="LeaseID")


class _Txn(msgspec.Struct, frozen=True, rename="pascal"):
    conditions: list[_Condition] | None = None
    operations_on_success: list[_Step] | None = None
    operations_on_failure: list[_Step] | None = None


class _Request(msgspec.Struct, frozen=True, rename="pascal"):
    type: str
    range: _Range | None = None
    txn: _Txn | None = None
    lease_grant: _Lease | None = None
    lease_revoke: _Lease | None = None


class _Read(msgspec.Struct, frozen=True, rename="pascal"):
    key: str
    value: ReportedValue = ReportedValue()
    mod_revision: int = 0


class _Result(msgspec.Struct, frozen=True, rename="pascal"):
    kvs: list[_Read] | None = msgspec.field(default=None, name="KVs")
    count: int = 0
    deleted: int = 0


class _TxnResponse(msgspec.Struct, frozen=True, rename="pascal"):
    failure: bool = False
    results: list[_Result] | None = None


class _Response(msgspec.Struct, frozen=True, rename="pascal"):
    txn: _TxnResponse | None = None
    range: _Result | None = None
    revision: int = 0
    error: str = ""
    client_error: str = ""
    persisted: bool = False
    partial_response: bool = False


class _Operation(msgspec.Struct, frozen=True, rename="pascal"):
    client_id: int
    input: _Request
    call: int
    output: _Response
    return_: int = msgspec.field(default=0, name="Return")


class _Event(msgspec.Struct, frozen=True, rename="pascal"):
    type: str
    key: str
    revision: int
    value: ReportedValue = ReportedValue()


class _WatchResponse(msgspec.Struct, frozen=True, rename="pascal"):
    events: list[_Event] | None = None


class _Watch(msgspec.Struct, frozen=True, rename="pascal"):
    responses: list[_WatchResponse] | None = None


class _Born(NamedTuple):
    """What a report does not tell of a key at one mod_revision."""

    create_revision: int
    version: int
    lease: int
    """`_UNTOLD` if several puts that differ in it may have written it."""


_UNTOLD: Final = -1
_OPERATION: Final = msgspec.json.Decoder(_Operation)
_WATCH: Final = msgspec.json.Decoder(_Watch)


class _UntoldError(ValueError):
    """No watch saw what was read, or nobody can tell its lease."""


def is_report(path: Path) -> bool:
    """Say whether `path` is such a directory."""
    return path.is_dir() and bool(files_called(OPERATIONS, path))


def files_called(name: str, path: Path) -> list[Path]:
    """Return the files of this name of all clients, compressed or not, each once."""
    found = {file.parent: file for file in path.glob(f"client-*/{name}.gz")}
    found |= {file.parent: file for file in path.glob(f"client-*/{name}")}
    return sorted(found.values())


def read(path: Path, heard: Heard = unheard) -> History:
    """Return the history in the directory `path`, or raise `HistoryFileError`."""
    born = _born(path, heard)
    moments: list[tuple[int, int, int, Entry]] = []
    for file in files_called(OPERATIONS, path):
        for line, operation in decoded_lines(file, _OPERATION, heard):
            try:
                entries = list(_entries(line, operation, born))
            except _UntoldError:
                continue
            except ValueError as error:
                raise HistoryFileError(file, line, str(error)) from error
            for is_return, entry in enumerate(entries):
                # At equal times, calls come first: operations that touch may have overlapped.
                moments.append((entry.time or 0, is_return, operation.client_id, entry))
    moments.sort(key=lambda moment: moment[:3])
    return history_of(path, (entry for _, _, _, entry in moments))


def decoded_lines(
    file: Path, decoder: msgspec.json.Decoder[StructT], heard: Heard
) -> Iterator[tuple[int, StructT]]:
    """Yield each line's value with its number, or raise `HistoryFileError`."""
    for number, line in byte_lines(file, heard, bytes_max=_LINE_BYTES_MAX):
        try:
            decoded = decoder.decode(line) if line.strip() else None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise HistoryFileError(
                file, number, f"is not an operation of etcd's robustness tests: {error}"
            ) from error
        if decoded is not None:
            yield number, decoded


def _born(path: Path, heard: Heard) -> dict[tuple[str, int], _Born]:
    """Return create_revision and version by key and mod_revision, as all watches together tell."""
    leases = _leases(path)
    events: dict[tuple[int, str], str | None] = {}
    for file in files_called(WATCH, path):
        for _, watch in decoded_lines(file, _WATCH, heard):
            for response in watch.responses or ():
                for event in response.events or ():
                    is_put = event.type == "put-operation"
                    events[event.revision, event.key] = event.value.text() if is_put else None
    born: dict[tuple[str, int], _Born] = {}
    alive: dict[str, _Born] = {}
    for revision, key in sorted(events):
        value = events[revision, key]
        if value is None:
            alive.pop(key, None)
            continue
        before = alive.get(key, _Born(revision, 0, 0))
        lease = leases.of(key, revision, value)
        alive[key] = born[key, revision] = _Born(before.create_revision, before.version + 1, lease)
    return born


@dataclass(frozen=True, slots=True)
class _Leases:
    """Which leases keys were put on; empty if there are none in the report at all."""

    answered: dict[tuple[str, int], int]
    """By key and revision: what an answered put named."""
    possible: dict[tuple[str, str], int]
    """By key and value: what all puts of unknown outcome named; `_UNTOLD` if not the same."""

    def of(self, key: str, revision: int, value: str) -> int:
        """Return the lease that the put of this revision named; 0 for none."""
        lease = self.answered.get((key, revision))
        return self.possible.get((key, value), 0) if lease is None else lease


def _leases(path: Path) -> _Leases:
    """Return what all puts say of leases; most reports know none, which is seen at a glance.

    What it reads is read again, and heard then.
    """
    files = files_called(OPERATIONS, path)
    leases = _Leases({}, {})
    if not any(
        _NAMES_LEASE.search(line)
        for file in files
        for _, line in byte_lines(file, unheard, bytes_max=_LINE_BYTES_MAX)
    ):
        return leases
    for file in files:
        for _, operation in decoded_lines(file, _OPERATION, unheard):
            _note_puts(operation, leases)
    return leases


def _note_puts(operation: _Operation, leases: _Leases) -> None:
    txn, output = operation.input.txn, operation.output
    is_known = not (output.error or output.persisted or output.partial_response)
    if txn is None or output.client_error:
        return
    success, failure = txn.operations_on_success or [], txn.operations_on_failure or []
    if is_known:
        steps = failure if output.txn is not None and output.txn.failure else success
    else:
        steps = [*success, *failure]
    for step in steps:
        put = step.put
        if step.type != "put-operation":
            continue
        if is_known:
            leases.answered[put.key, output.revision] = put.lease
        else:
            content = (put.key, put.value.text())
            if leases.possible.setdefault(content, put.lease) != put.lease:
                leases.possible[content] = _UNTOLD


def _entries(
    line: int, operation: _Operation, born: dict[tuple[str, int], _Born]
) -> Iterator[Entry]:
    """Yield the call and, if it is known, the return; nothing if it concerns no key."""
    asked = _asked(operation.input)
    if asked is None:
        return
    f, key, value = asked
    output = operation.output
    call = Entry(
        line=line,
        process=operation.client_id,
        type=OpType.INVOKE,
        f=f,
        key=key,
        value=value,
        time=operation.call,
    )
    if output.error or output.persisted or output.partial_response:
        yield call
        return
    answer: Json | None = None
    if not output.client_error:
        answer = _answered(f, value, output, born)
    yield call
    yield msgspec.structs.replace(
        call,
        type=OpType.FAIL if answer is None else OpType.OK,
        value=answer,
        time=operation.return_,
        error=output.client_error or None,
    )


def _asked(request: _Request) -> tuple[str, str | None, Json] | None:
    """Return `f`, key and value; None for what no key depends on."""
    if request.type == "range" and request.range is not None:
        read = _read(request.range)
        return ("range", None, read) if request.range.end else ("get", request.range.start, read)
    if request.type == "txn" and request.txn is not None:
        return _asked_txn(request.txn)
    if request.type == "leaseGrant" and request.lease_grant is not None:
        lease = request.lease_grant.id
        return ("lease-grant", None, {"ttl": 0, "id": lease}) if lease else None
    if request.type == "leaseRevoke" and request.lease_revoke is not None:
        lease = request.lease_revoke.id
        return ("lease-revoke", None, {"id": lease}) if lease else None
    if request.type in {"defragment", "compact"}:
        return None
    raise ValueError(f"holds a {request.type!r}, which is not judged here")


def _asked_txn(txn: _Txn) -> tuple[str, str | None, Json]:
    success = [_step(step) for step in txn.operations_on_success or ()]
    failure = [_step(step) for step in txn.operations_on_failure or ()]
    conditions = txn.conditions or ()
    if not conditions and not failure and len(success) == 1 and "range" not in success[0]:
        ((f, value),) = success[0].items()
        assert isinstance(value, dict), "a step is one request"
        return f, str(value["key"]), value
    compare = [_compare(condition) for condition in conditions]
    return "txn", None, {"compare": compare, "success": success, "failure": failure}


def _compare(condition: _Condition) -> Json:
    target, value = "mod", condition.expected_revision
    if condition.expected_version:
        target, value = "version", condition.expected_version
    return {"key": condition.key, "target": target, "result": "=", "value": value}


def _step(step: _Step) -> Json:
    match step.type:
        case "put-operation":
            put: Json = {"key": step.put.key, "value": step.put.value.text()}
            return {"put": put | ({"lease": step.put.lease} if step.put.lease else {})}
        case "delete-operation":
            return {"delete": {"key": step.delete.key}}
        case "range-operation":
            return {"range": _read(step.range)}
        case _:
            raise ValueError(f"holds a {step.type!r}; expected a put, delete or range operation")


def _read(request: _Range) -> Json:
    read: Json = {"key": request.start}
    if request.end:
        read["range_end"] = request.end
    if request.limit:
        read["limit"] = request.limit
    if request.revision:
        read["revision"] = request.revision
    return read


def _answered(f: str, asked: Json, output: _Response, born: dict[tuple[str, int], _Born]) -> Json:
    revision: Json = {"revision": output.revision}
    if f in {"get", "range"}:
        return revision | _found(output.range or _Result(), born)
    results = (output.txn.results if output.txn else None) or []
    if f == "lease-grant":
        return revision | {"id": asked["id"], "ttl": asked["ttl"]}
    if f == "lease-revoke":
        return revision
    if f == "put":
        return revision
    if f == "delete":
        return revision | {"deleted": results[0].deleted if results else 0}
    succeeded = output.txn is None or not output.txn.failure
    steps = asked["success" if succeeded else "failure"]
    if not isinstance(steps, list) or len(steps) != len(results):
        raise ValueError("holds a transaction with another number of answers than of requests")
    answers = zip(steps, results, strict=True)
    responses = [_result(step, result, born) for step, result in answers]
    return revision | {"succeeded": succeeded, "responses": responses}


def _result(step: Json, result: _Result, born: dict[tuple[str, int], _Born]) -> Json:
    if "put" in step:
        return {"put": {}}
    if "delete" in step:
        return {"delete": {"deleted": result.deleted}}
    return {"range": _found(result, born)}


def _found(result: _Result, born: dict[tuple[str, int], _Born]) -> Json:
    kvs = [_kv(read, born) for read in result.kvs or ()]
    return {"kvs": kvs, "count": result.count, "more": len(kvs) < result.count}


def _kv(read: _Read, born: dict[tuple[str, int], _Born]) -> Json:
    facts = born.get((read.key, read.mod_revision))
    if facts is None or facts.lease == _UNTOLD:
        raise _UntoldError
    shown: Json = {
        "key": read.key,
        "value": read.value.text(),
        "create_revision": facts.create_revision,
        "mod_revision": read.mod_revision,
        "version": facts.version,
    }
    return shown | ({"lease": facts.lease} if facts.lease else {})
