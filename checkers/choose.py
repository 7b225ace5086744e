"""Which checker judges a history that comes without a plan."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from checkers.checker import Checker, compose
from checkers.history import History, OpType
from checkers.linearizability.checker import linearizable
from checkers.linearizability.revisions.checker import etcd_linearizable
from checkers.models.registry import model_names
from checkers.mvcc import mvcc_invariants
from checkers.promises import promise_checker, promise_names, promise_of
from checkers.transactions.checker import KINDS, LIST_APPEND, RW_REGISTER, transactional
from checkers.transactions.consistency import STRICT_SERIALIZABLE

ETCD: Final = "etcd"
"""The model of etcd's store with its revisions, which has a checker of its own."""

MULTI_REGISTER: Final = "multi-register"
"""The model of transactions over registers that tries out orders; exact, for small histories."""

_MODEL_BY_F: Final[Mapping[str, str]] = MappingProxyType(
    {
        "read": "register",
        "write": "register",
        "cas": "cas-register",
        "append": "kv",
        "acquire": "mutex",
        "release": "mutex",
        "enqueue": "fifo-queue",
        "dequeue": "fifo-queue",
    }
)
"""What an operation's name says about the model, where it says something."""


def choices() -> tuple[str, ...]:
    """Return every name that `checker_named` knows, sorted."""
    return tuple(sorted((*model_names(), *KINDS, *promise_names(), ETCD)))


def checker_named(
    model: str, initial: str | None = None, consistency: str = STRICT_SERIALIZABLE
) -> Checker:
    """Return what judges histories of `model`, starting from `initial` (None: its usual start).

    `consistency` is what transactions are expected to keep; others know only one.

    Raises `ModelError` for an unknown model or an initial value that is none of its states.
    """
    if model in KINDS:
        return transactional(model, consistency, initial)
    if model in promise_names():
        return promise_checker(model)
    if model == ETCD:
        return compose(ETCD, (etcd_linearizable(), mvcc_invariants()))
    return linearizable(model, initial)


def model_of(history: History) -> str | None:
    """Return the model that the operations of `history` speak of; None if they leave it open.

    The more general model wins: a register that is also compared and set is a `cas-register`.
    """
    names = {op.f for op in history.client_ops()}
    told = promise_of(names)
    if told is not None:
        return told
    if _speaks_of_revisions(history):
        return ETCD
    if "txn" in names:
        return _model_of_transactions(history)
    if names & {"append", "get", "put"}:
        return "kv"
    return _model_of_object(names, history)


def _model_of_object(names: set[str], history: History) -> str | None:
    """Return what is read and written under these names, whole."""
    if "add" in names and names <= {"add", "remove", "read"}:
        return "counter" if _reads_numbers(history) else "set"
    models = {_MODEL_BY_F[name] for name in sorted(names) if name in _MODEL_BY_F}
    if models == {"register", "cas-register"}:
        return "cas-register"
    return models.pop() if len(models) == 1 else None


def _speaks_of_revisions(history: History) -> bool:
    return any(isinstance(op.value, dict) and "revision" in op.value for op in history.client_ops())


def _reads_numbers(history: History) -> bool:
    return any(
        op.f == "read" and op.type is OpType.OK and isinstance(op.value, int | float)
        for op in history.client_ops()
    )


def _model_of_transactions(history: History) -> str:
    """Return what the transactions are over.

    Registers to which no value is written twice can be judged without a search; others, only by
    trying out orders.
    """
    written: dict[tuple[str, str], None] = {}
    for operation in history.operations():
        for step in operation.value if isinstance(operation.value, list) else ():
            match step:
                case ["append", *_]:
                    return LIST_APPEND
                case ["w" | "write", key, value]:
                    write = (repr(key), repr(value))
                    if write in written or value is None:
                        return MULTI_REGISTER
                    written[write] = None
                case _:
                    pass  # a read, or nothing that any model of transactions knows
    return RW_REGISTER if written else MULTI_REGISTER
