"""Linearizability the slow and obvious way, to judge the fast one.

Wing & Gong 1993 with memory (Lowe 2017): try every order that time allows, over the plain model.
Exponential: for a dozen operations.
"""

from collections.abc import Mapping
from types import MappingProxyType

from checkers.history import History, Operation, OpType
from checkers.models.etcd import (
    EMPTY,
    FutureRevisionError,
    KeyNotFoundError,
    State,
    accepts,
    step,
)
from checkers.models.etcd_api import Read, Request, Response, parse_request, parse_response
from tests.checkers.linearizability.kv_histories import changes_between

Changes = Mapping[int, Mapping[str, str | None]]
NO_CHANGES: Changes = MappingProxyType({})


def is_linearizable(history: History, changes: Changes = NO_CHANGES) -> bool:
    """Return whether some order of the operations that time allows explains every answer.

    And, for each revision in `changes` that it gets to by an unanswered write, what that changed.
    """
    pending = [_Pending(each) for each in history.operations() if each.outcome is not OpType.FAIL]
    # A lease that was granted may end by itself, once, at any time.
    answered = frozenset(at for at, each in enumerate(pending) if each.response is not None)
    seen: set[tuple[frozenset[int], State]] = set()
    stack = [(frozenset[int](), EMPTY)]
    while stack:
        done, state = stack.pop()
        if answered <= done:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        left = [at for at in range(len(pending)) if at not in done]
        first_return = min(pending[at].ret for at in left)
        for at in left:
            if pending[at].call < first_return:
                after = pending[at].apply(state)
                told = pending[at].response is None and after is not None
                if told and not _as_told(state, after, changes):
                    continue
                if after is not None:
                    stack.append((done | {at}, after))
    return False


def _as_told(before: State, after: State | None, changes: Changes) -> bool:
    if after is None or after.revision == before.revision or after.revision not in changes:
        return True
    return changes_between(before.keys, after.keys) == changes[after.revision]


class _Pending:
    def __init__(self, operation: Operation) -> None:
        is_grant = operation.f == "lease-grant"
        f = "lease-revoke" if is_grant else operation.f
        value = operation.value
        if is_grant and isinstance(value, dict):
            value = {"id": value["id"]}
        self.request: Request = parse_request(f, value)
        self.response: Response | None = None
        self.call: float = operation.call
        self.ret: float = float("inf")
        if operation.outcome is OpType.OK and operation.ret is not None and not is_grant:
            self.response = parse_response(self.request, operation.result)
            self.ret = operation.ret
        if isinstance(self.request, Read) and self.request.serializable:
            self.call = -1  # a node that lags may answer as of any earlier revision

    def apply(self, state: State) -> State | None:
        if self.response is not None:
            return accepts(state, self.request, self.response)
        try:
            return step(state, self.request)[0]
        except (FutureRevisionError, KeyNotFoundError):
            return None
