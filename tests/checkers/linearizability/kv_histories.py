"""Random kv histories: of a right store with crashing clients, and corrupted ones."""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

import msgspec

from checkers.history import History, Op, OpType
from checkers.models.etcd import EMPTY, KeyNotFoundError, Keys, State, step
from checkers.models.etcd_api import (
    Compare,
    Delete,
    DeleteResult,
    Order,
    Put,
    PutResult,
    Read,
    ReadResult,
    Relation,
    Request,
    Response,
    Result,
    Revoke,
    RevokeResult,
    Selection,
    Step,
    Target,
    Txn,
    TxnResult,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a random history is like."""

    op_count: int
    process_count: int
    key_count: int
    value_count: int = 0
    """How many different values there are; 0: every put has its own."""
    crash_share: float = 0.1
    """Which share of writes never returns."""
    serializable_share: float = 0.1
    old_share: float = 0.1
    read_weight: float = 4.0
    put_weight: float = 3.0
    delete_weight: float = 1.5
    txn_weight: float = 2.0
    range_share: float = 0.3
    lease_weight: float = 0.0
    """Of grants and revocations; with any, some puts name a lease, and leases end by themselves."""
    option_share: float = 0.0
    """Which share of requests has options: sorts, bounds, what was there before, inner txns."""
    refusable_txns: bool = True
    """Whether txns may write a key twice, which etcd refuses and the model does in order."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease is granted; whether it lives is for the simulation to know."""

    id: int


Asked = Request | Grant


@dataclass(slots=True)
class _InFlight:
    process: int
    request: Asked
    crashes: bool
    response: Response | None = None


@dataclass(slots=True)
class _Simulation:
    """One step at a time: somebody asks, something takes effect, somebody is answered."""

    rng: Random
    shape: Shape
    state: State = EMPTY
    ops: list[Op] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    in_flight: list[_InFlight] = field(default_factory=list)
    limbo: list[_InFlight] = field(default_factory=list)
    """Crashed, and not yet in effect."""
    leases: list[int] = field(default_factory=list)
    """Those that live."""
    invoked: int = 0
    next_process: int = 0

    def run(self) -> list[Op]:
        shape, rng = self.shape, self.rng
        self.free = list(range(shape.process_count))
        self.next_process = shape.process_count
        while self.invoked < shape.op_count or self.in_flight:
            choice = rng.random()
            if self.leases and rng.random() < 0.02:
                self._end(rng.choice(self.leases))
            if self.free and self.invoked < shape.op_count and choice < 0.4:
                self._invoke()
            elif self.limbo and choice < 0.45:
                self._take_effect(self.limbo.pop(rng.randrange(len(self.limbo))))
            elif self.in_flight:
                each = rng.choice(self.in_flight)
                if each.response is None and not each.crashes:
                    self._take_effect(each)
                elif each.crashes:
                    self._crash(each)
                else:
                    self._answer(each)
        return self.ops

    def _invoke(self) -> None:
        process = self.free.pop(self.rng.randrange(len(self.free)))
        self.invoked += 1
        request = self._request()
        crashes = not isinstance(request, Read) and self.rng.random() < self.shape.crash_share
        self.in_flight.append(_InFlight(process, request, crashes))
        self._record(process, OpType.INVOKE, request, request_value(request))

    def _take_effect(self, each: _InFlight) -> None:
        request = each.request
        if isinstance(request, Grant):
            self.leases.append(request.id)
            each.response = Response(self.state.revision, RevokeResult())
        elif isinstance(request, Revoke):
            each.response = self._end(request.id)
        elif not self._may_do(request):
            self._refuse(each)
        elif isinstance(request, Read) and request.serializable:
            behind = self.rng.choice([0, 0, 1, 3])
            revision = max(1, request.revision, self.state.revision - behind)
            lagging = State(revisions=self.state.revisions[:revision])
            each.response = step(lagging, request)[1]
        else:
            try:
                self.state, each.response = step(self.state, request)
            except KeyNotFoundError:
                self._refuse(each)

    def _end(self, lease: int) -> Response:
        """End a lease, by itself or because somebody asked."""
        if lease in self.leases:
            self.leases.remove(lease)
        self.state, response = step(self.state, Revoke(lease))
        return response

    def _may_do(self, request: Request) -> bool:
        """Return whether all leases that are named live (etcd ErrLeaseNotFound)."""
        if isinstance(request, Put):
            return request.lease == 0 or request.lease in self.leases
        if isinstance(request, Txn):
            return all(map(self._may_do, (*request.success, *request.failure)))
        return True

    def _refuse(self, each: _InFlight) -> None:
        if each in self.in_flight:
            self.in_flight.remove(each)
            self._record(each.process, OpType.FAIL, each.request, None)
            self.free.append(each.process)

    def _crash(self, each: _InFlight) -> None:
        self.in_flight.remove(each)
        if self.rng.random() < 0.3:
            self._record(each.process, OpType.INFO, each.request, None)
        fate = self.rng.random()
        if fate < 0.4:
            self._take_effect(each)
        elif fate < 0.7:
            self.limbo.append(each)
        self.free.append(self.next_process)
        self.next_process += 1

    def _answer(self, each: _InFlight) -> None:
        assert each.response is not None
        self.in_flight.remove(each)
        value = response_value(each.response)
        if isinstance(each.request, Grant):
            value |= {"id": each.request.id, "ttl": 1}
        self._record(each.process, OpType.OK, each.request, value)
        self.free.append(each.process)

    def _record(self, process: int, kind: OpType, request: Asked, value: object) -> None:
        index = len(self.ops)
        self.ops.append(
            Op(
                index=index,
                time=index * 1000,
                process=process,
                type=kind,
                f=name_of(request),
                value=value,
            )
        )

    def _key(self) -> str:
        return f"k{self.rng.randrange(self.shape.key_count):03}"

    def _value(self) -> str:
        count = self.shape.value_count
        return f"v{self.rng.randrange(count) if count else self.invoked}"

    def _request(self) -> Asked:
        shape = self.shape
        weights = [
            shape.read_weight,
            shape.put_weight,
            shape.delete_weight,
            shape.txn_weight,
            shape.lease_weight,
        ]
        match self.rng.choices(range(5), weights)[0]:
            case 0:
                return self._read(in_txn=False)
            case 1:
                return self._put()
            case 2:
                return self._delete()
            case 3:
                return self._txn()
            case _:
                return self._lease()

    def _optional(self) -> bool:
        return self.rng.random() < self.shape.option_share

    def _lease(self) -> Asked:
        if self.leases and self.rng.random() < 0.4:
            return Revoke(self.rng.choice(self.leases))
        asked = {each.request.id for each in self.in_flight if isinstance(each.request, Grant)}
        free = [lease for lease in range(1, 100) if lease not in self.leases and lease not in asked]
        return Grant(free[self.rng.randrange(2)])

    def _put(self) -> Put:
        lease = self.rng.choice([0, *self.leases]) if self.leases else 0
        keeps_value = self._optional() and self.rng.random() < 0.5
        keeps_lease = self._optional() and self.rng.random() < 0.5
        return Put(
            self._key(),
            "" if keeps_value else self._value(),
            0 if keeps_lease else lease,
            prev_kv=self._optional(),
            ignore_value=keeps_value,
            ignore_lease=keeps_lease,
        )

    def _selection(self) -> Selection | None:
        if not self._optional():
            return None
        rng, revision = self.rng, self.state.revision
        bounds = [0, 0, 0, max(1, revision - 2), revision]
        chosen = Selection(
            sort_order=rng.choice(list(Order)),
            sort_target=rng.choice([each for each in Target if each is not Target.LEASE]),
            keys_only=rng.random() < 0.3,
            count_only=rng.random() < 0.2,
            min_mod_revision=rng.choice(bounds),
            max_mod_revision=rng.choice(bounds),
            min_create_revision=rng.choice([0, rng.choice(bounds)]),
            max_create_revision=rng.choice([0, rng.choice(bounds)]),
        )
        return None if chosen == Selection() else chosen

    def _interval(self) -> tuple[str, str | None]:
        if self.rng.random() > self.shape.range_share:
            return self._key(), None
        return self.rng.choice([("k", "l"), (self._key(), self._key()), (self._key(), "\0")])

    def _read(self, *, in_txn: bool) -> Read:
        rng, shape = self.rng, self.shape
        key, range_end = self._interval()
        old = rng.random() < shape.old_share
        return Read(
            key,
            range_end,
            limit=rng.choice([0, 0, 1, 2]) if range_end else 0,
            revision=rng.randint(max(1, self.state.revision - 5), self.state.revision)
            if old
            else 0,
            serializable=not in_txn and rng.random() < shape.serializable_share,
            selection=self._selection(),
        )

    def _delete(self) -> Delete:
        key, range_end = self._interval()
        narrow = range_end is None or self.rng.random() < 0.3
        return Delete(key, range_end if narrow else None, prev_kv=self._optional())

    def _txn(self) -> Txn:
        compares = tuple(self._compare() for _ in range(self.rng.choice([0, 1, 1, 1, 2])))
        success = self._branch(self.rng.choice([1, 1, 2, 3]))
        failure = self._branch(self.rng.choice([0, 1, 1]))
        return Txn(compares, success, failure)

    def _compare(self) -> Compare:
        rng = self.rng
        key = self._key()
        held = next((kv for kv in self.state.keys if kv.key == key), None)
        relation = rng.choice([Relation.EQUAL] * 3 + list(Relation))
        targets = [Target.VALUE, Target.VERSION, Target.CREATE, Target.MOD]
        target = rng.choice([*targets, Target.LEASE] if self._optional() else targets)
        range_end = rng.choice(["l", key + "0", "\0"]) if self._optional() else None
        if target is Target.VALUE:
            value = self._value() if held is None or rng.random() < 0.3 else held.value
            return Compare(key, target, relation, value, range_end)
        numbers = {
            Target.MOD: 0 if held is None else held.mod_revision,
            Target.CREATE: 0 if held is None else held.create_revision,
            Target.VERSION: 0 if held is None else held.version,
            Target.LEASE: 0 if held is None else held.lease,
        }
        number = numbers[target] + rng.choice([0, 0, 0, 1])
        return Compare(key, target, relation, number, range_end)

    def _branch(self, count: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        for _ in range(count):
            if self.rng.random() < self.shape.option_share / 4:
                steps.append(self._txn())
                continue
            match self.rng.randrange(4):
                case 0:
                    steps.append(self._read(in_txn=True))
                case 1:
                    steps.append(self._delete())
                case _:
                    steps.append(self._put())
        return tuple(steps) if self.shape.refusable_txns else _without_rewrites(steps)


def _without_rewrites(steps: list[Step]) -> tuple[Step, ...]:
    """Return `steps` up to the second that writes."""
    writes = [at for at, each in enumerate(steps) if not isinstance(each, Read)]
    return tuple(steps[: writes[1]] if len(writes) > 1 else steps)


def simulate(rng: Random, shape: Shape) -> History:
    """Return a history of a store that does everything right: linearizable by construction."""
    return History(_Simulation(rng, shape).run())


def simulate_with_changes(
    rng: Random, shape: Shape
) -> tuple[History, dict[int, dict[str, str | None]]]:
    """Return a history as `simulate` does, and what each of its revisions changed."""
    simulation = _Simulation(rng, shape)
    history = History(simulation.run())
    changes = {}
    revisions = simulation.state.revisions
    for revision, (before, after) in enumerate(pairwise(revisions), start=2):
        changes[revision] = changes_between(before, after)
    return history, changes


def changes_between(before: Keys, after: Keys) -> dict[str, str | None]:
    """Return what was left in each key that was put or deleted."""
    was = {kv.key: kv for kv in before}
    now = {kv.key: kv for kv in after}
    return {
        key: now[key].value if key in now else None
        for key in sorted({*was, *now})
        if was.get(key) != now.get(key)
    }


def corrupt(rng: Random, history: History) -> History:
    """Return `history` with one or two answers changed a little: maybe still linearizable."""
    ops = list(history.ops)
    answers = [op.index for op in ops if op.type is OpType.OK]
    for _ in range(rng.choice([1, 1, 2])):
        if answers:
            index = rng.choice(answers)
            value = msgspec.json.decode(msgspec.json.encode(ops[index].value))
            assert isinstance(value, dict)
            _corrupt_answer(rng, value)
            ops[index] = msgspec.structs.replace(ops[index], value=value)
    return History(ops)


def _corrupt_answer(  # noqa: C901 (one case for each field)
    rng: Random, value: dict[str, object]
) -> None:
    match rng.choice(sorted(value)):
        case "revision" | "count" | "deleted" as name:
            number = value[name]
            assert isinstance(number, int)
            value[name] = max(0, number + rng.choice([-1, -1, 1, 1, 2]))
        case "kvs" | "prev_kvs" as name:
            _corrupt_kvs(rng, value[name])
        case "prev_kv":
            _corrupt_kvs(rng, [value["prev_kv"]])
        case "succeeded":
            pass
        case "more":
            value["more"] = not value["more"]
        case "responses":
            answers = value["responses"]
            assert isinstance(answers, list)
            if answers:
                ((_, inner),) = rng.choice(answers).items()
                if inner:
                    _corrupt_answer(rng, inner)
        case _:
            pass


def _corrupt_kvs(rng: Random, kvs: object) -> None:
    assert isinstance(kvs, list)
    if kvs and rng.random() < 0.2:
        kvs.pop()
    elif kvs:
        kv = rng.choice(kvs)
        part = rng.choice(["create_revision", "mod_revision", "version", "value", "lease"])
        kv[part] = "v0" if part == "value" else kv[part] + rng.choice([-1, 1])


def name_of(request: Asked) -> str:
    """Return the `Op.f` of `request`."""
    if isinstance(request, Grant | Revoke):
        return f"lease-{type(request).__name__.lower()}"
    if isinstance(request, Read):
        return "range" if request.range_end else "get"
    return type(request).__name__.lower()


def request_value(request: Asked) -> object:
    """Return `request` as a plain history value."""
    if isinstance(request, Grant):
        return {"id": request.id, "ttl": 1}
    if isinstance(request, Txn):
        return {
            "compare": [_without_nothing(each) for each in request.compare],
            "success": [_step_value(each) for each in request.success],
            "failure": [_step_value(each) for each in request.failure],
        }
    fields = msgspec.to_builtins(request)
    assert isinstance(fields, dict)
    fields |= fields.pop("selection", None) or {}
    return {name: value for name, value in fields.items() if value not in (None, 0, False)}


def _without_nothing(compare: Compare) -> object:
    fields = msgspec.to_builtins(compare)
    assert isinstance(fields, dict)
    return {name: value for name, value in fields.items() if value is not None}


def response_value(response: Response) -> dict[str, object]:
    """Return `response` as a plain history value."""
    return {"revision": response.revision, **_result_value(response.result)}


def _result_value(result: Result) -> dict[str, object]:
    match result:
        case PutResult():
            kv = result.prev_kv
            return {} if kv is None else {"prev_kv": msgspec.to_builtins(kv)}
        case RevokeResult():
            return {}
        case ReadResult(kvs, count, more):
            return {"kvs": msgspec.to_builtins(list(kvs)), "count": count, "more": more}
        case DeleteResult(deleted, prev_kvs):
            shown = {"prev_kvs": msgspec.to_builtins(list(prev_kvs))} if prev_kvs else {}
            return {"deleted": deleted} | shown
        case TxnResult(succeeded, responses):
            names = {
                PutResult: "put",
                ReadResult: "range",
                DeleteResult: "delete",
                TxnResult: "txn",
            }
            answers = [{names[type(each)]: _result_value(each)} for each in responses]
            return {"succeeded": succeeded, "responses": answers}


def _step_value(each: Step) -> dict[str, object]:
    name = "range" if isinstance(each, Read) else name_of(each)
    return {name: request_value(each)}
