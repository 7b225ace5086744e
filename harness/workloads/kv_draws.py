"""Requests to etcd's key-value API, drawn so that they meet: old revisions, compares that hold.

A request that knows nothing of the store compares in vain and reads no history. So the generator
remembers, of what its clients were answered, each key's last known state and the latest revision.
"""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final, TypeAlias

import msgspec

from checkers.history import Op
from checkers.models.etcd_api import UNBOUNDED, KeyValue
from harness.generator.generator import Invocation
from harness.generator.shares import place_in
from harness.padding import with_length
from harness.plan import Distribution, Plan

KEY_PREFIX: Final = "k"
KEYS_END: Final = "l"
"""The `range_end` of all keys with the prefix (etcd RangeRequest: the prefix plus one)."""
_HISTORY_DEPTH: Final = 50
"""Reads go so many revisions back."""
_FUTURE_DEPTH: Final = 3
"""And so many forward, which the store must refuse or, having come there, answer."""
_VALUES: Final = 1_000_000
"""Distinct values: nearly every put can be told from every other."""

Json: TypeAlias = dict[str, object]


class Known(msgspec.Struct, frozen=True):
    """What clients have seen of the store so far. Not to be trusted, only to be tried."""

    revision: int = 1
    keys: Mapping[str, KeyValue] = {}
    """The latest state that was seen of each key."""


class _Answer(msgspec.Struct):
    """What there is to learn from an `ok` completion; most have no keys."""

    revision: int
    kvs: tuple[KeyValue, ...] = ()


def learned(known: Known, op: Op) -> Known:
    """Return what is known after `op`, the `ok` completion of any request."""
    answer = msgspec.convert(op.value, _Answer)
    newer = {
        kv.key: kv
        for kv in answer.kvs
        if kv.key not in known.keys or kv.mod_revision > known.keys[kv.key].mod_revision
    }
    keys = {**known.keys, **newer} if newer else known.keys
    return Known(max(known.revision, answer.revision), keys)


class Sizes(msgspec.Struct, frozen=True):
    """Which keys there are, how they are drawn, and how long values are."""

    keys_count: int
    distribution: Distribution = "uniform"
    value_bytes: int = 0


def sizes_of(plan: Plan) -> Sizes:
    """Return what the plan says of keys and values."""
    load = plan.workload
    return Sizes(load.keys, load.key_distribution, load.value_bytes)


def draw_key(random: Random, sizes: Sizes) -> str:
    """Return any key."""
    return key_name(place_in(random, sizes.keys_count, sizes.distribution))


def draw_value(random: Random, sizes: Sizes) -> str:
    """Return a value that has most likely not been written yet."""
    return with_length(str(int(random.random() * _VALUES)), sizes.value_bytes)


class Drawing(msgspec.Struct, frozen=True):
    """What one request is drawn from."""

    random: Random
    known: Known
    sizes: Sizes

    def key(self) -> str:
        """Return any key."""
        return draw_key(self.random, self.sizes)

    def value(self) -> str:
        """Return a value that has most likely not been written yet."""
        return draw_value(self.random, self.sizes)

    def chance(self, probability: float) -> bool:
        """Return True with this probability."""
        return self.random.random() < probability

    def old_revision(self) -> int:
        """Return a revision of the recent past, now and then of the near future."""
        latest = self.known.revision + _FUTURE_DEPTH
        earliest = max(1, self.known.revision - _HISTORY_DEPTH)
        return earliest + int(self.random.random() * (latest - earliest + 1))


def key_name(number: int) -> str:
    """Return the name of the nth key, from 0; names sort as numbers do."""
    return f"{KEY_PREFIX}{number:03d}"


def draw_request(drawing: Drawing) -> Invocation:
    """Return one request of the mix."""
    point = drawing.random.random()
    for share, draw in _MIX:
        point -= share
        if point < 0:
            return draw(drawing)
    return _put(drawing)


def _put(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("put", key, {"key": key, "value": drawing.value()})


def _get(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("get", key, {"key": key})


def _get_old(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("get", key, {"key": key, "revision": drawing.old_revision()})


def _get_serializable(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("get", key, {"key": key, "serializable": True})


def _range(drawing: Drawing) -> Invocation:
    value = _interval(drawing)
    if drawing.chance(0.3):
        value["limit"] = 1 + int(drawing.random.random() * drawing.sizes.keys_count)
    if drawing.chance(0.2):
        value["revision"] = drawing.old_revision()
    if drawing.chance(0.2):
        value["serializable"] = True
    return Invocation("range", None, value)


def _delete(drawing: Drawing) -> Invocation:
    key = drawing.key()
    return Invocation("delete", key, {"key": key})


def _delete_interval(drawing: Drawing) -> Invocation:
    return Invocation("delete", None, _interval(drawing))


def _txn(drawing: Drawing) -> Invocation:
    compares = [_compare(drawing) for _ in range(1 + drawing.chance(0.2))]
    value: Json = {
        "compare": compares,
        "success": _steps(drawing),
        "failure": _steps(drawing) if drawing.chance(0.5) else [],
    }
    return Invocation("txn", None, value)


def _interval(drawing: Drawing) -> Json:
    """Return all keys, all from one on, one alone, or those from one up to another, left out."""
    shape = drawing.random.random()
    if shape < 0.5:
        return {"key": KEY_PREFIX, "range_end": KEYS_END}
    if shape < 0.7:
        return {"key": drawing.key(), "range_end": UNBOUNDED}
    first, last = sorted((drawing.key(), drawing.key()))
    return {"key": first, "range_end": last if first < last else last + "\0"}


def _compare(drawing: Drawing) -> Json:
    """Return a condition that holds if the key is as it was last seen, or a related one."""
    key = drawing.key()
    seen = drawing.known.keys.get(key, KeyValue(key, "", 0, 0, 0))
    conditions: tuple[tuple[str, str, str | int], ...] = (
        ("value", "=", seen.value),
        ("value", "!=", seen.value),
        ("mod", "=", seen.mod_revision),
        ("mod", "=", seen.mod_revision),
        ("mod", "<", seen.mod_revision + 1),
        ("create", "=", seen.create_revision),
        ("version", "=", 0),
        ("version", ">", seen.version),
    )
    target, result, value = conditions[int(drawing.random.random() * len(conditions))]
    return {"key": key, "target": target, "result": result, "value": value}


def _steps(drawing: Drawing) -> list[Json]:
    """Return one to three steps, no key put twice: etcd refuses that (ErrDuplicateKey)."""
    steps: list[Json] = []
    written: list[str] = []
    for _ in range(1 + int(drawing.random.random() * 3)):
        key, kind = drawing.key(), drawing.random.random()
        if kind < 0.3 or key in written:
            steps.append({"range": {"key": key}})
        elif kind < 0.85:
            steps.append({"put": {"key": key, "value": drawing.value()}})
            written.append(key)
        else:
            steps.append({"delete": {"key": key}})
            written.append(key)
    return steps


_MIX: Final[tuple[tuple[float, Callable[[Drawing], Invocation]], ...]] = (
    (0.30, _put),
    (0.20, _get),
    (0.06, _get_old),
    (0.06, _get_serializable),
    (0.10, _range),
    (0.07, _delete),
    (0.01, _delete_interval),
    (0.20, _txn),
)
"""Kinds of requests and their shares, which make 1."""
