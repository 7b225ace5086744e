"""Which checker judges a history that comes without a plan."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from checkers.checker import Checker, compose
from checkers.history import History
from checkers.linearizability.checker import linearizable
from checkers.linearizability.revisions.checker import etcd_linearizable
from checkers.models.registry import model_names
from checkers.mvcc import mvcc_invariants

ETCD: Final = "etcd"
"""The model of etcd's store with its revisions, which has a checker of its own."""

_MODEL_BY_F: Final[Mapping[str, str]] = MappingProxyType(
    {
        "read": "register",
        "write": "register",
        "cas": "cas-register",
        "append": "kv",
        "acquire": "mutex",
        "release": "mutex",
        "add": "set",
        "enqueue": "fifo-queue",
        "dequeue": "fifo-queue",
    }
)
"""What an operation's name says about the model, where it says something."""


def choices() -> tuple[str, ...]:
    """Return every name that `checker_named` knows, sorted."""
    return tuple(sorted((*model_names(), ETCD)))


def checker_named(model: str, initial: str | None = None) -> Checker:
    """Return what judges histories of `model`, starting from `initial` (None: its usual start).

    Raises `ModelError` for an unknown model or an initial value that is none of its states.
    """
    if model == ETCD:
        return compose(ETCD, (etcd_linearizable(), mvcc_invariants()))
    return linearizable(model, initial)


def model_of(history: History) -> str | None:
    """Return the model that the operations of `history` speak of; None if they leave it open.

    The more general model wins: a register that is also compared and set is a `cas-register`.
    """
    names = {op.f for op in history.client_ops()}
    if _speaks_of_revisions(history):
        return ETCD
    if "txn" in names:
        return "multi-register"
    if names & {"append", "get", "put"}:
        return "kv"
    models = {_MODEL_BY_F[name] for name in sorted(names) if name in _MODEL_BY_F}
    if models == {"register", "cas-register"}:
        return "cas-register"
    return models.pop() if len(models) == 1 else None


def _speaks_of_revisions(history: History) -> bool:
    return any(isinstance(op.value, dict) and "revision" in op.value for op in history.client_ops())
