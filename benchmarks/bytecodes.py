"""Where a simulated second goes, in bytecodes: a figure that no noisy machine changes.

Every bytecode that the simulation executes is counted by the function it belongs to, the tracer
and every oracle on. What one bytecode costs differs by tens (a call into protobuf is one), so
this tells where work is done again and again, not how many seconds it takes: `simulation` does.

    .venv/bin/python -m benchmarks.bytecodes [SECONDS]
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType

from benchmarks.simulation import CASES, prepare
from checkers.history import Op, OpType
from harness.generator.sources import Done
from harness.workloads.registry import workload_named

SECONDS_DEFAULT = 5.0
FUNCTIONS_SHOWN = 30
_ROOT = Path(__file__).parents[1]


class Counts:
    """Bytecodes and calls, by code object."""

    def __init__(self) -> None:
        self.bytecodes: Counter[CodeType] = Counter()
        self.calls: Counter[CodeType] = Counter()

    def enter(self, frame: FrameType, _event: str, _argument: object) -> "Counts.Trace":
        """Follow `frame` by its bytecodes; for `sys.settrace`."""
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.calls[frame.f_code] += 1
        return Counts.Trace(self.bytecodes)

    class Trace:
        """Counts what one frame executes."""

        __slots__ = ("_bytecodes",)

        def __init__(self, bytecodes: Counter[CodeType]) -> None:
            self._bytecodes = bytecodes

        def __call__(self, frame: FrameType, event: str, _argument: object) -> "Counts.Trace":
            """Count one event of the frame."""
            if event == "opcode":
                self._bytecodes[frame.f_code] += 1
            return self


def main(arguments: Sequence[str]) -> None:
    """Print the table for three nodes at 100 operations per second."""
    seconds = float(arguments[0]) if arguments else SECONDS_DEFAULT
    case = next(case for case in CASES if case.nodes == 3 and case.rate == 100)
    history: list[Op] = []
    simulation, plan = prepare(case, 1, history, seconds=seconds)
    load = workload_named("register").generator(plan)
    counts = Counts()
    sys.settrace(counts.enter)
    try:
        result = simulation.run(load, lambda _: Done(), lambda _: None)
    finally:
        sys.settrace(None)
    events = result.event_count
    operations = sum(op.type is OpType.INVOKE for op in history)
    print(
        f"{counts.bytecodes.total() / events:.0f} bytecodes and "
        f"{counts.calls.total() / events:.1f} calls an event, "
        f"{events / operations:.1f} events an operation"
    )
    print(f"{'of all':>7} {'an event':>9} {'a call':>7}  function")
    for code, count in counts.bytecodes.most_common(FUNCTIONS_SHOWN):
        share = count / counts.bytecodes.total()
        print(
            f"{share:7.1%} {count / events:9.1f} {count / counts.calls[code]:7.0f}  "
            f"{code.co_qualname}  {_place(code)}"
        )


def _place(code: CodeType) -> str:
    path = Path(code.co_filename)
    return str(path.relative_to(_ROOT)) if path.is_relative_to(_ROOT) else path.name


if __name__ == "__main__":
    main(sys.argv[1:])
