"""A store that does everything right, with a history and the records of its watchers."""

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.models.etcd_api import in_interval
from checkers.verdict import Answer, Verdict
from checkers.watch.checker import WatchChecker
from checkers.watch_history import (
    Break,
    Cancel,
    Canceled,
    Create,
    Created,
    Delivery,
    End,
    Event,
    EventKind,
    PreviousKv,
    Progress,
    WatchRecord,
)

KEYS = ("a", "b", "c")
NEVER = 10**9
"""Told up to here, a watcher is never told again."""


class WatchedStore:
    """Writes make events; `watch` and `deliver` tell watchers of them, as etcd would."""

    def __init__(self) -> None:
        self.revision = 1
        self.compacted = 0
        self.time = 0
        self.ops: list[Op] = []
        self.records: list[WatchRecord] = []
        self.events: list[Event] = []
        self._live: dict[str, PreviousKv] = {}
        self._told: dict[int, int] = {}
        self._creates: dict[int, Create] = {}

    # ------------------------------------------------------------ clients
    def put(self, key: str, value: str, *, lease: int = 0, outcome: OpType = OpType.OK) -> None:
        self.txn([(key, value)], lease=lease, outcome=outcome, f="put")

    def delete(self, key: str, outcome: OpType = OpType.OK) -> None:
        deleted = int(key in self._live)
        call = self._invoke("delete", {"key": key})
        self._apply([(key, None)], 0)
        answer = {"revision": self.revision, "deleted": deleted}
        self._complete(call, outcome, answer)

    def delete_all(self) -> None:
        call = self._invoke("delete", {"key": "a", "range_end": "z"})
        keys = sorted(self._live)
        self._apply([(key, None) for key in keys], 0)
        self._complete(call, OpType.OK, {"revision": self.revision, "deleted": len(keys)})

    def txn(
        self,
        puts: Sequence[tuple[str, str]],
        *,
        lease: int = 0,
        outcome: OpType = OpType.OK,
        f: str = "txn",
    ) -> None:
        steps = [{"put": {"key": key, "value": value}} for key, value in puts]
        value = {"success": steps} if f == "txn" else steps[0]["put"]
        call = self._invoke(f, value)
        if outcome is not OpType.FAIL:
            self._apply(list(puts), lease)
        answer: dict[str, object] = {"revision": self.revision}
        if f == "txn":
            answer |= {"succeeded": True, "responses": [{"put": {}} for _ in puts]}
        self._complete(call, outcome, answer)

    def touch(self, key: str) -> None:
        """Put what the key holds already, by its value or by keeping it: the event is the same."""
        call = self._invoke("put", {"key": key, "value": "", "ignore_value": True})
        self._apply([(key, self._live[key].value)], 0)
        self._complete(call, OpType.OK, {"revision": self.revision})

    def compact(
        self, revision: int, node: str = "n1", *, then: Callable[[], None] = lambda: None
    ) -> None:
        """Compact; `then` happens before that is answered."""
        call = self._invoke("compact", {"revision": revision}, node)
        self.compacted = revision
        then()
        self._complete(call, OpType.OK, {"revision": self.revision})

    def fault(self) -> None:
        self.ops.append(self._op("nemesis", OpType.INFO, "kill"))

    def _apply(self, changes: Sequence[tuple[str, str | None]], lease: int) -> None:
        """Make one revision of `changes`; a value of None deletes."""
        real = [(key, value) for key, value in changes if value is not None or key in self._live]
        if not real:
            return
        self.revision += 1
        for key, value in real:
            prev = self._live.get(key)
            if value is None:
                del self._live[key]
                self.events.append(Event(EventKind.DELETE, key, self.revision, prev=prev))
                continue
            created = prev.create_revision if prev else self.revision
            version = prev.version + 1 if prev else 1
            self._live[key] = PreviousKv(key, value, created, self.revision, version, lease)
            self.events.append(
                Event(EventKind.PUT, key, self.revision, value, created, version, lease, prev)
            )

    def _invoke(self, f: str, value: object, node: str = "n1") -> Op:
        op = self._op(len(self.ops), OpType.INVOKE, f, value, node)
        self.ops.append(op)
        return op

    def _complete(self, call: Op, outcome: OpType, answer: object) -> None:
        value = answer if outcome is OpType.OK else None
        self.ops.append(self._op(call.process, outcome, call.f, value, call.node))

    def _op(
        self,
        process: int | str,
        kind: OpType,
        f: str,
        value: object = None,
        node: str | None = None,
    ) -> Op:
        self.time += 1
        return Op(
            index=len(self.ops),
            time=self.time,
            process=process,
            type=kind,
            f=f,
            value=value,
            node=node,
        )

    # ------------------------------------------------------------ watchers
    def watch(self, **options: object) -> int:
        """Create a watcher of everything unless `options`, fields of `Create`, say otherwise."""
        number = len(self._creates)
        wanted = {"key": "a", "range_end": "z", "node": "n1", "stream": number} | options
        create = msgspec.convert({"time": self._tick(), "watcher": number} | wanted, Create)
        self._creates[number] = create
        self.records.append(create)
        start = create.start_revision or self.revision + 1
        self._told[number] = start - 1
        self.records.append(Created(time=self._tick(), watcher=number, revision=self.revision))
        if start < self.compacted:
            canceled = Canceled(
                time=self._tick(),
                watcher=number,
                revision=self.revision,
                compact_revision=self.compacted,
            )
            self.records.append(canceled)
            self._told[number] = NEVER
        return number

    def due(self, number: int, up_to: int) -> list[Event]:
        """Return what the watcher is still to be told, up to revision `up_to`."""
        create = self._creates[number]
        return [
            self._as_asked(event, create)
            for event in self.events
            if self._told[number] < event.mod_revision <= up_to
            and in_interval(event.key, create.key, create.range_end)
            and event.kind not in create.filters
        ]

    def deliver(self, number: int, up_to: int | None = None) -> None:
        """Tell the watcher of everything in one response."""
        last = self.revision if up_to is None else up_to
        events = self.due(number, last)
        self._told[number] = max(self._told[number], last)
        if events:
            self.tell(number, events)

    def tell(self, number: int, events: Sequence[Event], *, fragment: bool = False) -> None:
        delivery = Delivery(
            time=self._tick(),
            watcher=number,
            revision=self.revision,
            events=tuple(events),
            fragment=fragment,
        )
        self.records.append(delivery)

    def progress(self, number: int, revision: int | None = None) -> None:
        known = self.revision if revision is None else revision
        self.records.append(Progress(time=self._tick(), watcher=number, revision=known))

    def break_stream(self, stream: int) -> None:
        self.records.append(Break(time=self._tick(), stream=stream))

    def cancel(self, number: int) -> None:
        self.records.append(Cancel(time=self._tick(), watcher=number))

    def cancel_as_compacted(self, number: int, revision: int) -> None:
        canceled = Canceled(
            time=self._tick(), watcher=number, revision=self.revision, compact_revision=revision
        )
        self.records.append(canceled)

    def end(self) -> None:
        self.records.append(End(time=self._tick(), revision=self.revision, waited_ns=10**9))

    def _as_asked(self, event: Event, create: Create) -> Event:
        compacted = event.mod_revision - 1 < self.compacted
        shown = event.prev if create.prev_kv and not compacted else None
        return msgspec.structs.replace(event, prev=shown)

    def _tick(self) -> int:
        self.time += 1
        return self.time

    # ------------------------------------------------------------ judgement
    def verdict(self) -> Verdict:
        checker = WatchChecker(records=self.records)
        return checker.check(History(self.ops), Budget())


def convictions(verdict: Verdict) -> dict[str, str]:
    """Return the kind of each breach, by the guarantee that was broken."""
    return {
        leaf.checker: str(leaf.evidence.facts["kind"])
        for leaf in verdict.leaves()
        if leaf.answer is Answer.INVALID and leaf.evidence is not None
    }


def random_run(random: Random, steps: int) -> WatchedStore:
    """Return a store that was used and watched at random, and kept every promise."""
    store = WatchedStore()
    watchers: list[int] = []
    for _ in range(steps):
        _random_step(random, store, watchers)
    for number in watchers:
        store.deliver(number)
    store.end()
    return store


def _random_step(random: Random, store: WatchedStore, watchers: list[int]) -> None:  # noqa: C901
    point = random.random()
    key, value = random.choice(KEYS), str(random.randrange(10**6))
    if point < 0.3:
        unknown = random.random() < 0.2
        store.put(key, value, lease=7, outcome=OpType.INFO if unknown else OpType.OK)
    elif point < 0.4:
        keys = random.sample(KEYS, random.randrange(1, len(KEYS) + 1))
        store.txn([(each, value + each) for each in keys])
    elif point < 0.5:
        store.delete(key)
    elif point < 0.53:
        store.delete_all()
    elif point < 0.56:
        store.put(key, value, outcome=OpType.FAIL)
    elif point < 0.6 and store.revision > store.compacted + 1:
        store.compact(random.randrange(store.compacted + 1, store.revision + 1))
        _drop_who_lags(store, watchers)
    elif point < 0.7 and len(watchers) < 6:
        _random_watch(random, store, watchers)
    elif watchers:
        _random_delivery(random, store, watchers)


def _drop_who_lags(store: WatchedStore, watchers: list[int]) -> None:
    for number in list(watchers):
        told = store._told[number]
        if told + 1 < store.compacted:
            store.cancel_as_compacted(number, store.compacted)
            watchers.remove(number)


def _random_watch(random: Random, store: WatchedStore, watchers: list[int]) -> None:
    options: dict[str, object] = {"prev_kv": random.random() < 0.5}
    if random.random() < 0.5:
        options["start_revision"] = random.randrange(1, store.revision + 4)
    if random.random() < 0.3:
        options |= {"key": random.choice(KEYS), "range_end": None}
    if random.random() < 0.2:
        options["filters"] = [random.choice(["put", "delete"])]
    number = store.watch(**options)
    if store._told[number] < NEVER:
        watchers.append(number)


def _random_delivery(random: Random, store: WatchedStore, watchers: list[int]) -> None:
    number = random.choice(watchers)
    point = random.random()
    if point < 0.7:
        told = store._told[number]
        store.deliver(number, random.randrange(min(told, store.revision), store.revision + 1))
    elif point < 0.85:
        store.deliver(number)
        if store.revision >= store._creates[number].start_revision - 1:
            store.progress(number)
    elif point < 0.95:
        store.break_stream(number)
        watchers.remove(number)
    else:
        store.cancel(number)
        watchers.remove(number)
