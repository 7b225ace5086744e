"""Kv histories, written by hand."""

from collections.abc import Mapping
from typing import TypeAlias

from checkers.history import History, Op, OpType

Json: TypeAlias = Mapping[str, object]


def history_of(*entries: tuple[int, str, str, Json | None]) -> History:
    """Return the history of (process, type, f, value), one per millisecond."""
    return History(
        Op(index=at, time=at * 1_000_000, process=process, type=OpType(kind), f=f, value=value)
        for at, (process, kind, f, value) in enumerate(entries)
    )


def in_turn(*entries: tuple[int, str, Json, Json]) -> History:
    """Return the history of (process, f, request, response), each answered before the next."""
    return history_of(
        *(
            (process, kind, f, value)
            for process, f, request, response in entries
            for kind, value in (("invoke", request), ("ok", response))
        )
    )


def kv(key: str, value: str, create: int, mod: int, version: int) -> Json:
    """Return a key as answers have it."""
    return {
        "key": key,
        "value": value,
        "create_revision": create,
        "mod_revision": mod,
        "version": version,
    }


def found(revision: int, *kvs: Json) -> Json:
    """Return the answer of a read that found `kvs`, all there were."""
    return {"revision": revision, "kvs": list(kvs), "count": len(kvs), "more": False}
