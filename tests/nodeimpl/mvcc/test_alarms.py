"""Alarms as commands (what they forbid is tested with the quota)."""

from nodeimpl.api.rpc_pb2 import (
    CORRUPT,
    NONE,
    NOSPACE,
    AlarmMember,
    AlarmRequest,
    AlarmResponse,
    AlarmType,
)
from nodeimpl.config import StoreConfig
from nodeimpl.mvcc.store import Store
from nodeimpl.storage.memory_backend import MemoryBackend


def ask(
    store: Store, action: AlarmRequest.AlarmAction, alarm: AlarmType, member: int = 0
) -> list[AlarmMember]:
    response = store.apply(AlarmRequest(action=action, memberID=member, alarm=alarm))
    assert isinstance(response, AlarmResponse)
    return list(response.alarms)


def test_alarms_are_listed_by_kind_or_all() -> None:
    store = Store(MemoryBackend(), StoreConfig())
    ask(store, AlarmRequest.ACTIVATE, CORRUPT, 1)
    ask(store, AlarmRequest.ACTIVATE, NOSPACE, 2)
    full, corrupt = AlarmMember(memberID=2, alarm=NOSPACE), AlarmMember(memberID=1, alarm=CORRUPT)
    assert ask(store, AlarmRequest.GET, NONE) == [full, corrupt]
    assert ask(store, AlarmRequest.GET, CORRUPT) == [corrupt]


def test_raising_and_lifting_answer_with_the_alarm_if_it_changed_hands() -> None:
    store = Store(MemoryBackend(), StoreConfig())
    full = AlarmMember(memberID=2, alarm=NOSPACE)
    assert ask(store, AlarmRequest.ACTIVATE, NOSPACE, 2) == [full]
    assert ask(store, AlarmRequest.ACTIVATE, NOSPACE, 2) == [full]
    assert ask(store, AlarmRequest.ACTIVATE, NONE, 2) == []
    assert ask(store, AlarmRequest.DEACTIVATE, NOSPACE, 1) == []
    assert ask(store, AlarmRequest.DEACTIVATE, NOSPACE, 2) == [full]
    assert ask(store, AlarmRequest.GET, NONE) == []


def test_alarms_outlast_a_restart() -> None:
    backend = MemoryBackend()
    store = Store(backend, StoreConfig())
    ask(store, AlarmRequest.ACTIVATE, NOSPACE, 2**63)
    again = Store(backend, StoreConfig())
    assert ask(again, AlarmRequest.GET, NONE) == [AlarmMember(memberID=2**63, alarm=NOSPACE)]
    assert again.hash() == store.hash()
