"""Long histories of a right MVCC store, made quickly: what the benchmark of revisions judges."""

from dataclasses import dataclass, field
from random import Random

from checkers.linearizability.revisions.operations import Known, Parsed
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
    Result,
    Target,
    Txn,
    TxnResult,
)

_RANGE_LIMIT = 5


@dataclass(slots=True)
class _Store:
    """The content of the store, and what it answers; `random` draws the requests."""

    random: Random
    keys: int
    with_ranges: bool
    revision: int = 1
    held: dict[str, KeyValue] = field(default_factory=dict)

    def draw(self, number: int) -> tuple[Request, Result, bool]:
        """Return a request, its answer, and whether it wrote something."""
        key, choice = f"k{self.random.randrange(self.keys)}", self.random.random()
        held = self.held.get(key)
        if choice < 0.5:
            one = () if held is None else (held,)
            return Read(key), ReadResult(one, len(one)), False
        if self.with_ranges and choice < 0.53:
            there = sorted(each for each in self.held if each >= key)
            kvs = tuple(self.held[each] for each in there[:_RANGE_LIMIT])
            found = ReadResult(kvs, len(there), len(kvs) < len(there))
            return Read(key, UNBOUNDED, limit=_RANGE_LIMIT), found, False
        self.revision += 1
        if held is not None and choice < 0.58:
            del self.held[key]
            return Delete(key), DeleteResult(1), True
        put = Put(key, f"v{number}")
        self._put(put, held)
        if choice < 0.68:
            seen = 0 if held is None else held.mod_revision
            unchanged = Compare(key, Target.MOD, Relation.EQUAL, seen)
            return Txn((unchanged,), (put,), (Read(key),)), TxnResult(True, (PutResult(),)), True  # noqa: FBT003
        return put, PutResult(), True

    def _put(self, put: Put, held: KeyValue | None) -> None:
        created, version = (
            (self.revision, 0) if held is None else (held.create_revision, held.version)
        )
        self.held[put.key] = KeyValue(put.key, put.value, created, self.revision, version + 1)


def record(*, operations: int, clients: int, keys: int, with_ranges: bool) -> Parsed:
    """Return a history in which `clients` concurrent clients did so many `operations`."""
    random = Random(1)
    store = _Store(random, keys, with_ranges)
    calls: list[int] = []
    done: list[tuple[Request, Result, bool, int] | None] = []
    known: list[Known] = []
    moment = begun = 0
    while begun < operations or calls:
        moment += 1
        if not calls or (begun < operations and len(calls) < clients and random.random() < 0.45):
            calls.append(moment)
            done.append(None)
            begun += 1
            continue
        at = random.randrange(len(calls))
        each = done[at]
        if each is None:
            request, result, wrote = store.draw(begun)
            done[at] = request, result, wrote, store.revision
            continue
        request, result, wrote, revision = each
        known.append(Known(calls[at], moment, at, revision, revision, wrote, request, result))
        calls[at], done[at] = calls[-1], done[-1]
        calls.pop()
        done.pop()
    known.sort(key=_call)
    return Parsed(known, [], [], [], [], {})


def _call(operation: Known) -> int:
    return operation.call
