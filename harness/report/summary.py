"""What the faults did, in one or two lines: for consoles, and above the table of a page."""

from collections.abc import Iterator

from harness.report.effects import Effects, Felt
from harness.report.wording import counted
from nodeimpl.ids import MILLISECOND, SECOND

NAMED_MAX = 4
"""Faults without effect that are named."""


def effects_words(effects: Effects) -> str:
    """Return in a sentence who felt the faults."""
    parts = [
        f"{count} {words}"
        for felt, words in (
            (Felt.CLIENTS, "felt by clients"),
            (Felt.NODE, "only by the node"),
            (Felt.NOBODY, "without effect"),
            (Felt.TOO_SHORT, "too short to tell"),
            (Felt.NOT_DONE, "not carried out"),
        )
        if (count := effects.count(felt))
    ]
    return f"{counted(len(effects.each), 'fault')}: {', '.join(parts)}"


def effect_lines(effects: Effects) -> Iterator[str]:
    """Yield what faults did, for a console; nothing if there were none."""
    if not effects.each:
        return
    worst = effects.worst()
    line = f"faults    {effects_words(effects)}"
    if worst is not None and worst.silence_ns > effects.calm.silence_ns:
        line += (
            f"; longest silence {worst.silence_ns / MILLISECOND:.0f} ms, at {worst.do} of "
            f"{worst.begin_ns / SECOND:.1f} s"
        )
    yield line
    idle = [effect for effect in effects.each if effect.felt is Felt.NOBODY]
    if idle:
        named = [f"{each.do} of {each.begin_ns / SECOND:.1f} s" for each in idle[:NAMED_MAX]]
        more = f" and {len(idle) - NAMED_MAX} more" if len(idle) > NAMED_MAX else ""
        yield f"          no effect: {', '.join(named)}{more}"
