"""Transactions over registers: reads tell whose write they saw, not what came before it.

Values are unique, so a read names its writer (`WR`). Which version came before which must be
concluded; from the surest to the least sure:

- the first version, nil, came before all others;
- a transaction that read one version and wrote another put its own directly after: for if the
  other had been first, that would be a circle of `WW` and `WR` (G1c), no better than what follows;
- what a process, or anybody, left in a register came before what was seen there later, in the
  process' own order or in real time: or else there would be a G-single with that order.

Whoever read the earlier version comes before whoever wrote the later one: `RW`, marked `PROCESS`
or `REALTIME` where that was needed, so that it counts only against models that keep that order.
The writers themselves are in `ORDER`.

Elle concludes from time only if told to; here the mark says what it is worth.

Not complete: which of two blind writes came first is often open, and nothing is tried out.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from checkers.history import Operation
from checkers.models.model import ModelError, hashable
from checkers.transactions.anomalies import Finding
from checkers.transactions.cycles import Step
from checkers.transactions.graph import ORDER, PROCESS, REALTIME, RW, WR, Dependencies, cyclic_part
from checkers.transactions.register_findings import cyclic_versions, findings_of
from checkers.transactions.transactions import SCALARS, MicroOp, Transactions, shown
from checkers.transactions.written_register import Touch, Version, WrittenRegister

_MARKS: Final = ((0, ""), (PROCESS, "in the order of one process"), (REALTIME, "in real time"))


class RwRegister:
    """See the module; an `Inference`."""

    def __init__(self, transactions: Transactions, initial: Version = None) -> None:
        """Judge registers that hold `initial` at first, or nil."""
        self.transactions: Final = transactions
        self.dependencies: Final = Dependencies(
            transactions.call, transactions.ret, transactions.process
        )
        self.findings: Final[list[Finding]] = []
        self.ambiguous: Final[list[str]] = []
        self._initial: Final = initial
        self._registers: Final[dict[Hashable, WrittenRegister]] = {}
        for operation, micro_ops in transactions.failed:
            self._collect_failed(operation, micro_ops)
        for number, micro_ops in enumerate(transactions.micro_ops):
            self._collect(number, micro_ops)
        clear = [each for each in self._registers.values() if not each.is_ambiguous]
        happened = self._happened(clear)
        for register in clear:
            register.touches = [touch for touch in register.touches if happened[touch.number]]
            self._relate(register, happened)
            self._relate_by_time(register, REALTIME)
            self.findings.extend(findings_of(register, transactions))
        self.cyclic = cyclic_part(self.dependencies)
        """See `Inference`."""
        if self.cyclic:
            self._distinguish_processes(clear)

    @property
    def keys_count(self) -> int:
        """See `Inference`."""
        return len(self._registers)

    def because(self, step: Step, names: Mapping[int, str]) -> str:
        """See `Inference`."""
        before, after = names[step.before], names[step.after]
        if step.kind & RW:
            register, seen, how = self._overwritten(step)
            key = shown(register.key)
            if seen is None:
                return f"{before} read {key} as nil, before {after} wrote it"
            then = f"which came before {after}'s write" + (f", {how}" if how else "")
            return f"{before} read {key} as {shown(seen)}, {then}"
        if step.kind & WR:
            register, seen = next(
                (register, value)
                for register in self._registers_of(step.after)
                for value, readers in register.readers.items()
                if register.writer.get(value) == step.before and step.after in readers
            )
            return f"{after} read {before}'s write of {shown(seen)} to {shown(register.key)}"
        assert step.kind & ORDER, "there is no other dependency"
        register, seen, how = self._overwritten(step)
        return (
            f"{before}'s {shown(seen)} was in {shown(register.key)} before {after}'s write, {how}"
        )

    def _register(self, key: Hashable) -> WrittenRegister:
        register = self._registers.get(key)
        if register is None:
            register = self._registers[key] = WrittenRegister(key)
        return register

    def _collect_failed(self, operation: Operation, micro_ops: Sequence[MicroOp]) -> None:
        for f, key, value in micro_ops:
            if f == "w":
                self._register(key).failed[hashable(value)] = operation

    def _collect(self, number: int, micro_ops: Sequence[MicroOp]) -> None:
        """Note who wrote and read what; see to what a transaction alone can get wrong."""
        seen: dict[Hashable, _Seen] = {}
        for f, key, argument in micro_ops:
            register = self._register(key)
            value = argument if type(argument) in SCALARS else hashable(argument)
            state = seen.get(key)
            if f == "w":
                self._write(register, number, value)
                if state is None:
                    seen[key] = _Seen(value, value, has_written=True)
                    continue
                if state.has_written:
                    register.intermediate[state.last] = number
                else:
                    register.updates.setdefault(state.first, []).append(number)
                state.last, state.has_written = value, True
                continue
            value = None if value == self._initial else value
            if state is None:
                state = seen[key] = _Seen(value, value)
                register.readers.setdefault(value, []).append(number)
            elif value != state.last:
                self._find_internal(register, number, value, state.last)
                state.last = value
        for key, state in seen.items():
            self._registers[key].touches.append(Touch(number, state.first, state.last))

    def _write(self, register: WrittenRegister, number: int, value: Version) -> None:
        if value is None or value == self._initial:
            raise ModelError(
                f"op {self.transactions.call[number]}: writes {shown(value)} to"
                f" {shown(register.key)}, which it holds at first: reads could not tell whose it is"
            )
        other = register.writer.setdefault(value, number)
        if (other != number or value in register.failed) and not register.is_ambiguous:
            register.is_ambiguous = True
            failed = register.failed.get(value)
            first = self.transactions.call[other] if failed is None else failed.call
            self.ambiguous.append(
                f"{shown(value)} is written to {shown(register.key)} by op {first} and by"
                f" op {self.transactions.call[number]}: reads do not tell which"
            )

    def _find_internal(
        self, register: WrittenRegister, number: int, value: Version, expected: Version
    ) -> None:
        story = (
            f"op {self.transactions.call[number]} read {shown(register.key)} as {shown(value)};"
            f" it had itself read or written {shown(expected)} just before"
        )
        self.findings.append(Finding("internal", (number,), story))

    def _happened(self, registers: Sequence[WrittenRegister]) -> bytearray:
        """Return for each transaction whether it took effect for certain."""
        transactions = self.transactions
        happened = bytearray(map(transactions.is_ok, range(len(transactions.operations))))
        for register in registers:
            for value in register.readers:
                number = register.writer.get(value)
                if number is not None:
                    happened[number] = True
        return happened

    def _relate(self, register: WrittenRegister, happened: bytearray) -> None:
        """Add the dependencies that one register tells."""
        dependencies, readers = self.dependencies, register.readers
        for value, seen_by in readers.items():
            writer = register.writer.get(value)
            if writer is not None:
                for number in seen_by:
                    dependencies.add(writer, number, WR)
        writers = [number for number in register.writer.values() if happened[number]]
        dependencies.add_all(readers.get(None, []), list(dict.fromkeys(writers)), RW)
        for value, updates in register.updates.items():
            if value is not None:
                dependencies.add_all(readers[value], updates, RW)

    def _relate_by_time(self, register: WrittenRegister, mark: int) -> None:
        """Add the dependencies that one register and the order of time tell together."""
        register.find_overwritten(self.transactions, mark)
        dependencies = self.dependencies
        for value, overwriters in register.overwritten[mark].items():
            readers = register.readers.get(value)
            if readers:
                # A reader that itself wrote next is known to have done so without any clock.
                updates = register.updates.get(value, ())
                others = [number for number in overwriters if number not in updates]
                dependencies.add_all(readers, others, RW | mark)
            writer = register.writer[value]
            for number in overwriters:
                dependencies.add(writer, number, ORDER | mark)

    def _distinguish_processes(self, registers: Sequence[WrittenRegister]) -> None:
        """Add what the order of each process alone tells.

        Real time tells that as well, so there is no cycle more; but some are worth more.
        """
        for register in registers:
            self._relate_by_time(register, PROCESS)
            self.findings.extend(cyclic_versions(register, self.transactions))
        self.cyclic = cyclic_part(self.dependencies)

    def _registers_of(self, number: int) -> Iterator[WrittenRegister]:
        for key in dict.fromkeys(key for _, key, _ in self.transactions.micro_ops[number]):
            yield self._registers[key]

    def _overwritten(self, step: Step) -> tuple[WrittenRegister, Version, str]:
        """Return the register, the version `step.before` read (if `ORDER`: wrote), and a reason.

        The reason says how it is known that what `step.after` wrote came later.
        """
        for mark, how in _MARKS:
            for register in self._registers_of(step.after):
                for value in self._versions_of(register, step):
                    is_first = value is None and step.after in register.writer.values()
                    if is_first or step.after in register.versions_after(value, mark):
                        return register, value, how
        raise AssertionError("such a step is about two versions of one register")

    def _versions_of(self, register: WrittenRegister, step: Step) -> Iterator[Version]:
        if step.kind & RW:
            for value, readers in register.readers.items():
                if step.before in readers:
                    yield value
        else:
            for value, writer in register.writer.items():
                if writer == step.before:
                    yield value


@dataclass(slots=True)
class _Seen:
    """What one transaction saw first of a register, what is there now, and whether it wrote."""

    first: Version
    last: Version
    has_written: bool = False
