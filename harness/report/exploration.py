"""What an exploration prints: each kind of failure as it is first found, and the sum of it all."""

import shlex
from collections.abc import Iterator
from typing import Final

from harness.explore.exploration import Found
from harness.explore.seeds import Question, Tried
from harness.report.wording import counted
from harness.swarm import ALL_SETTINGS

_REASON_CHARACTERS_MAX: Final = 300
_UNKNOWN_NAMED_MAX: Final = 5
"""Seeds of which nothing can be said that are named; the journal has them all."""

_LAST_SEEDS: Final = 50
"""So many seeds tell whether more would bring anything new."""


def question_lines(question: Question) -> Iterator[str]:
    """Yield what is asked of every seed."""
    base = question.base
    mutant = f" with the planted bug {base.mutant}" if base.mutant else ""
    yield f"exploring {base.system}{mutant} in simulation"
    free = [each for each in ALL_SETTINGS if each not in question.fixed]
    if not free:
        yield "  only the seed varies"
    elif len(free) < len(ALL_SETTINGS):
        fixed = ", ".join(each for each in ALL_SETTINGS if each in question.fixed)
        yield f"  every seed draws what it may but {fixed}"


def first_line(tried: Tried) -> str:
    """Return one line about the first seed of a kind."""
    kind = tried.kinds[0]
    what = (
        f"{tried.workload}, {counted(tried.nodes, 'node')}"
        if tried.workload
        else "never run to its end"
    )
    return f"seed {tried.seed:<6} {tried.outcome:<8} {kind}  ({what})"


def found_lines(found: Found) -> Iterator[str]:
    """Yield the figures, and then each kind of failure, the most frequent first."""
    counts = [f"{count} {outcome}" for outcome, count in found.outcomes.items() if count]
    yield f"seeds     {found.seeds}: {', '.join(counts) or 'none'}{_reruns(found)}"
    last = found.new_states[-_LAST_SEEDS:]
    yield (
        f"coverage  {len(found.states)} abstract states of the cluster; "
        f"the last {len(last)} seeds brought {sum(last)} of them"
    )
    if found.seeds_by_kind:
        yield "found"
    for kind, seeds in sorted(found.seeds_by_kind.items(), key=lambda each: -len(each[1])):
        many = f"{len(seeds)} seeds, {seeds[0]} first" if len(seeds) > 1 else f"seed {seeds[0]}"
        yield f"  {kind}  ({many})"
        yield f"    {_shortened(found.reasons[kind])}"
        if kind in found.kept:
            yield f"    {next_step(kind, found.kept[kind])}"
    yield from _unknown_lines(found)


def _unknown_lines(found: Found) -> Iterator[str]:
    """Yield which seeds came to no verdict, and why."""
    if not found.unknown:
        return
    yield "unknown"
    seeds = sorted(found.unknown)
    for seed in seeds[:_UNKNOWN_NAMED_MAX]:
        yield f"  seed {seed}: {_shortened(found.unknown[seed])}"
    if len(seeds) > _UNKNOWN_NAMED_MAX:
        yield f"  and {len(seeds) - _UNKNOWN_NAMED_MAX} more in the journal"


def next_step(kind: str, run: str) -> str:
    """Return the command that brings a kept run of this kind nearer to its cause."""
    command = "quorate replay --diverge" if kind.startswith("harness:") else "quorate shrink"
    return f"{command} {shlex.quote(run)}"


def _reruns(found: Found) -> str:
    if not found.reruns:
        return ""
    return f"; {found.reruns} of them also in another process, under another hash seed"


def _shortened(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= _REASON_CHARACTERS_MAX else f"{line[:_REASON_CHARACTERS_MAX]}..."


def as_json_value(found: Found) -> dict[str, object]:
    """Return all that was found as plain JSON values."""
    return {
        "verdict": found.worst().value,
        "seeds": found.seeds,
        "outcomes": {outcome.value: count for outcome, count in found.outcomes.items()},
        "reruns": found.reruns,
        "states": len(found.states),
        "cpu_seconds": found.cpu_seconds,
        "kinds": [
            {
                "kind": kind,
                "seeds": seeds,
                "reason": found.reasons[kind],
                "run": found.kept.get(kind),
            }
            for kind, seeds in found.seeds_by_kind.items()
        ],
        "unknown": [
            {"seed": seed, "reason": found.unknown[seed]} for seed in sorted(found.unknown)
        ],
    }
