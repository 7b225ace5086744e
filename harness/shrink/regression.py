"""For the tests that `quorate shrink` writes: whether a trial still fails, and how."""

from collections.abc import Iterator

from msgspec.structs import replace

from checkers.verdict import Answer, Verdict
from harness.case import from_texts, run_case
from harness.conviction import story_of


def conviction(plan: str, schedule: str, operations: str | None, mutant: str | None = None) -> str:
    """Return the story of the conviction, or nothing if the trial convicts nobody.

    The texts are those of the files that a case is written as (`harness.case`). `mutant` is the
    planted bug that every node has; None leaves the plan's.
    """
    case = from_texts(plan, schedule, operations)
    if mutant is not None:
        case = replace(case, plan=replace(case.plan, mutant=mutant))
    return "\n".join(conviction_lines(run_case(case).verdict))


def conviction_lines(verdict: Verdict) -> Iterator[str]:
    """Yield who convicted, why, and the story behind it; nothing of those who did not."""
    for leaf in verdict.leaves():
        if leaf.answer is Answer.INVALID:
            yield f"{leaf.checker}: {leaf.reason}"
            yield from story_of(leaf)
