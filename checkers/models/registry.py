"""Models by name, as a user asks for them on a command line.

Initial values are text there: JSON where it parses as such, otherwise the text itself; `nil` is
null. A multi-register also takes `x=0,y=0`.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from checkers.models.cas_register import CasRegister
from checkers.models.kv import Kv
from checkers.models.model import ModelError, hashable
from checkers.models.multi_register import MultiRegister, registers
from checkers.models.mutex import Mutex, OwnerMutex
from checkers.models.queue import FifoQueue, UnorderedQueue
from checkers.models.register import Register
from checkers.models.set import ElementSet

KnownModel: TypeAlias = (
    Register
    | CasRegister
    | MultiRegister
    | Kv
    | Mutex
    | OwnerMutex
    | ElementSet
    | FifoQueue
    | UnorderedQueue
)


def model_names() -> tuple[str, ...]:
    """Return the names `model_named` knows, sorted."""
    return tuple(sorted(_MODELS))


def model_named(name: str, initial: str | None = None) -> KnownModel:
    """Return the model called `name`, starting from `initial`; None for its usual start.

    Raises `ModelError`, in one line, if there is no such model or no such initial value.
    """
    make = _MODELS.get(name)
    if make is None:
        near = difflib.get_close_matches(name, _MODELS, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise ModelError(f"no model is called {name!r}{guess} (known: {', '.join(model_names())})")
    return make(initial)


def value_of(text: str) -> object:
    """Return the value that `text` names on a command line: JSON, `nil`, or the text itself."""
    if text == "nil":
        return None
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return value


def _register(initial: str | None) -> Register:
    return Register(None if initial is None else hashable(value_of(initial)))


def _cas_register(initial: str | None) -> CasRegister:
    return CasRegister(None if initial is None else hashable(value_of(initial)))


def _multi_register(initial: str | None) -> MultiRegister:
    match value_of(initial or "{}"):
        case dict() as held:
            return MultiRegister(registers({str(key): hashable(held[key]) for key in held}))
        case str() as pairs if all("=" in pair for pair in pairs.split(",")):
            split = [pair.partition("=") for pair in pairs.split(",")]
            return MultiRegister(
                registers(
                    {key.strip(): hashable(value_of(value.strip())) for key, _, value in split}
                )
            )
        case _:
            raise ModelError(
                f"a multi-register starts as 'x=0,y=0' or a JSON object, not as {initial!r}"
            )


def _kv(initial: str | None) -> Kv:
    return Kv(initial or "")


def _mutex(initial: str | None) -> Mutex:
    match initial:
        case None | "free":
            return Mutex()
        case "held":
            return Mutex(initial=True)
        case _:
            raise ModelError(f"a mutex starts as 'free' or 'held', not as {initial!r}")


def _owner_mutex(initial: str | None, *, reentrant: bool) -> OwnerMutex:
    match value_of(initial or "free"):
        case "free":
            return OwnerMutex(reentrant=reentrant)
        case owner:
            return OwnerMutex(reentrant, (hashable(owner), 1))


def _fifo_queue(initial: str | None) -> FifoQueue:
    return FifoQueue(tuple(_elements("fifo-queue", initial)))


def _unordered_queue(initial: str | None) -> UnorderedQueue:
    counts = Counter(_elements("unordered-queue", initial))
    return UnorderedQueue((frozenset(counts.items()), 0))


def _set(initial: str | None) -> ElementSet:
    return ElementSet(frozenset(_elements("set", initial)))


def _elements(name: str, initial: str | None) -> list[Hashable]:
    match value_of(initial or "[]"):
        case list() as elements:
            return [hashable(element) for element in elements]
        case _:
            raise ModelError(f"a {name} starts as a JSON list, not as {initial!r}")


_MODELS: Final[Mapping[str, Callable[[str | None], KnownModel]]] = MappingProxyType(
    {
        "register": _register,
        "cas-register": _cas_register,
        "multi-register": _multi_register,
        "kv": _kv,
        "mutex": _mutex,
        "owner-mutex": partial(_owner_mutex, reentrant=False),
        "reentrant-mutex": partial(_owner_mutex, reentrant=True),
        "set": _set,
        "fifo-queue": _fifo_queue,
        "unordered-queue": _unordered_queue,
    }
)
