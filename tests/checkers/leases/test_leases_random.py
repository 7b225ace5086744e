"""Random histories of a store that keeps its leases, and of stores that do not."""

import heapq
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from checkers.checker import Budget
from checkers.history import History, OpType
from checkers.leases.checker import LeaseChecker
from checkers.leases.lifetime import Bounds
from checkers.verdict import Answer, Verdict
from checkers.watch_history import Create, Created, Delivery, Event, EventKind, WatchRecord
from tests.checkers.timeline import Row, history_of, kinds

CASES = int(os.environ.get("QUORATE_FUZZ_CASES", "4000"))
LATE_S = 1.0
KEYS, IDS = "abc", (1, 2)


@dataclass
class LeaseStore:
    """Leases that end up to `LATE_S` after their time, all keys in one revision."""

    random: Random
    life: float = 1.0
    """How much of its time a lease lives; less than 1 is a bug."""
    whole: bool = True
    """Whether all keys go at once."""
    revoked_stay: bool = False
    """Whether a revoked lease can still be kept alive: a bug."""
    revision: int = 1
    ends: dict[int, float] = field(default_factory=dict)
    ttls: dict[int, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    """The lease of each key, 0 for none."""
    deleted: list[tuple[float, int, str]] = field(default_factory=list)

    def expire(self, now: float) -> None:
        for number in sorted(self.ends):
            if self.ends[number] <= now:
                self.remove(number, self.ends[number])

    def remove(self, number: int, at: float) -> None:
        self.ends.pop(number, None)
        held = sorted(key for key, lease in self.keys.items() if lease == number)
        if held and self.whole:
            self.revision += 1
        for key in held:
            self.revision += not self.whole
            del self.keys[key]
            self.deleted.append((at, self.revision, key))

    def renew(self, number: int, now: float) -> None:
        self.ends[number] = now + self.ttls[number] * self.life + self.random.random() * LATE_S

    def apply(  # noqa: C901, PLR0911, PLR0912 (one case per request)
        self, now: float, f: str, value: dict[str, object]
    ) -> tuple[object, str | None]:
        """Return what is answered, and the error if it failed."""
        self.expire(now)
        key, number = str(value.get("key")), int(str(value.get("id") or value.get("lease") or 0))
        alive = number in self.ends
        match f:
            case "lease-grant" if alive:
                return None, "lease exists"
            case "lease-grant":
                self.ttls[number] = int(str(value["ttl"]))
                self.renew(number, now)
                return self._answer(id=number, ttl=self.ttls[number]), None
            case "lease-keep-alive":
                if alive or (self.revoked_stay and number in self.ttls):
                    self.renew(number, now)
                    return self._answer(id=number, ttl=self.ttls[number]), None
                return self._answer(id=number, ttl=0), None
            case "lease-time-to-live":
                left = int(self.ends[number] - now) if alive else -1
                granted = self.ttls[number] if alive else 0
                return self._answer(id=number, ttl=left, granted_ttl=granted), None
            case "lease-revoke":
                if not alive:
                    return None, "lease not found"
                self.remove(number, now)
                return self._answer(), None
            case "put" if number and not alive:
                return None, "lease not found"
            case "put":
                self.revision += 1
                self.keys[key] = number
                return self._answer(), None
            case "delete":
                found = self.keys.pop(key, None) is not None
                self.revision += found
                return self._answer(deleted=int(found)), None
            case "get":
                return self._read([key])
            case _:
                return self._read(list(KEYS))

    def _read(self, wanted: list[str]) -> tuple[object, None]:
        kvs = [{"key": key, "lease": self.keys[key]} for key in wanted if key in self.keys]
        return self._answer(kvs=kvs, count=len(kvs)), None

    def _answer(self, **more: object) -> dict[str, object]:
        return {"revision": self.revision} | more


def draw(random: Random) -> tuple[str, dict[str, object]]:
    number, key = random.choice(IDS), random.choice(KEYS)
    lease = {"id": number}
    choices: list[tuple[str, dict[str, object]]] = [
        ("lease-grant", {"id": number, "ttl": random.randrange(1, 4)}),
        ("lease-grant", {"id": number, "ttl": random.randrange(1, 4)}),
        ("lease-keep-alive", dict(lease)),
        ("lease-keep-alive", dict(lease)),
        ("lease-time-to-live", dict(lease)),
        ("lease-revoke", dict(lease)),
        ("put", {"key": key, "value": "", "lease": number}),
        ("put", {"key": key, "value": "", "lease": number}),
        ("put", {"key": key, "value": ""}),
        ("delete", {"key": key}),
        ("get", {"key": key}),
        ("range", {"key": "a", "range_end": "z"}),
    ]
    return random.choice(choices)


def run(seed: int, make: Callable[[Random], LeaseStore], operations: int) -> Verdict:
    """Let random clients use a store, and judge what they and a watcher saw."""
    return judged(*used(seed, make, operations))


def judged(history: History, records: Sequence[WatchRecord]) -> Verdict:
    bounds = Bounds(outlive_ns=round(LATE_S * 1e9))
    return LeaseChecker(records=records, bounds=bounds).check(history, Budget())


def used(
    seed: int, make: Callable[[Random], LeaseStore], operations: int
) -> tuple[History, list[WatchRecord]]:
    """Let random clients use a store, and return what they and a watcher saw."""
    random = Random(seed)
    store = make(random)
    moments: list[tuple[float, int]] = []
    asked: list[tuple[float, float, bool, str, dict[str, object]]] = []
    now = 0.0
    for place in range(operations):
        now += random.random() * 0.6
        end = now + random.random() * 0.8
        unknown = random.random() < 0.04
        effect = now + random.random() * (8 if unknown else end - now)
        heapq.heappush(moments, (effect, place))
        asked.append((now, end, unknown, *draw(random)))
    rows: list[Row] = []
    while moments:
        effect, place = heapq.heappop(moments)
        call, ret, unknown, f, value = asked[place]
        answer, error = store.apply(effect, f, value)
        outcome = OpType.INFO if unknown else OpType.FAIL if error else OpType.OK
        told = answer if outcome is OpType.OK else None
        rows.append(Row(call, ret, place, f, value, told, error, outcome))
    return history_of(rows), watched(store, random)


def watched(store: LeaseStore, random: Random) -> list[WatchRecord]:
    records: list[WatchRecord] = [
        Create(time=0, watcher=0, stream=0, key="a", range_end="z"),
        Created(time=0, watcher=0, revision=1),
    ]
    now = 0.0
    for at, revision, key in store.deleted:
        now = max(now, at + random.random() * 0.3)
        event = Event(EventKind.DELETE, key, revision)
        records.append(
            Delivery(time=round(now * 1e9), watcher=0, revision=revision, events=(event,))
        )
    return records


def test_a_store_that_keeps_its_leases_is_never_convicted() -> None:
    for seed in range(CASES // 4):
        verdict = run(seed, LeaseStore, 25)

        assert verdict.answer is not Answer.INVALID, f"seed {seed}: {verdict.reason}"


def test_long_histories_of_it_are_never_convicted() -> None:
    for seed in range(5):
        verdict = run(seed, LeaseStore, 2000)

        assert verdict.answer is Answer.VALID, f"seed {seed}: {verdict.reason}"


@pytest.mark.parametrize(
    ("make", "promise"),
    [
        (lambda random: LeaseStore(random, life=0.2), "lease-not-early"),
        (lambda random: LeaseStore(random, life=4.0), "lease-not-late"),
        (lambda random: LeaseStore(random, whole=False), "lease-whole"),
        (lambda random: LeaseStore(random, revoked_stay=True), "lease-stays-gone"),
    ],
)
def test_a_store_that_does_not_is_convicted(
    make: Callable[[Random], LeaseStore], promise: str
) -> None:
    convicted = Counter(name for seed in range(200) for name in kinds(run(seed, make, 40)))

    assert convicted[promise] >= 5, convicted
