"""A gate's result as Markdown, as annotations of GitHub's, and as lines on a console."""

from collections.abc import Iterator

from harness.gate.outcome import Ending, GateResult, Result

STORY_LINES_MAX = 30
"""Of a failure's story in the summary."""

ANNOTATIONS_MAX = 10
"""GitHub shows no more of one step."""

_SIGNS = {
    Ending.PASSED: "✅",
    Ending.INVALID: "❌",
    Ending.UNKNOWN: "❔",
    Ending.HARNESS: "🔧",
}


def headline(gate: GateResult) -> str:
    """Return the result in a line."""
    parts = [_counted(count, ending) for ending in Ending if (count := gate.count(ending))]
    retried = sum(bool(result.retried) for result in gate.results)
    again = f", {retried} tried again" if retried else ""
    return f"{gate.suite}: {', '.join(parts)}{again} in {gate.seconds:.0f} s"


def _counted(count: int, ending: Ending) -> str:
    return f"{count} {ending}{'s' if ending is Ending.HARNESS and count > 1 else ''}"


def markdown(gate: GateResult) -> str:
    """Return the summary as Markdown."""
    lines = [f"## {'✅' if gate.exit_code == 0 else '❌'} {_escaped(headline(gate))}", ""]
    lines += ["| case | passed | invalid | unknown | harness failure |", "|---|--:|--:|--:|--:|"]
    for group, results in gate.groups():
        endings = [result.last.ending for result in results]
        counts = " | ".join(str(endings.count(ending)) for ending in Ending)
        lines.append(f"| {_escaped(group)} | {counts} |")
    for result in gate.failures():
        lines += ["", *_failure(result)]
    again = [result for result in gate.results if result.retried]
    if again:
        lines += ["", "### Tried again", ""]
        lines += [
            f"- {_escaped(result.group)}, {result.name}: {_escaped(result.retried)}; "
            f"then {result.last.ending}"
            for result in again
        ]
    lines += ["", f"Fresh seeds were drawn from `--fresh-from {gate.fresh_from}`.", ""]
    return "\n".join(lines)


def _failure(result: Result) -> Iterator[str]:
    last = result.last
    yield f"### {_SIGNS[last.ending]} {_escaped(result.group)}, {result.name}: {last.ending}"
    yield ""
    yield _escaped(last.reason)
    story = last.story.splitlines()
    if story:
        yield ""
        yield "~~~text"
        yield from story[:STORY_LINES_MAX]
        if len(story) > STORY_LINES_MAX:
            yield f"... and {len(story) - STORY_LINES_MAX} more lines"
        yield "~~~"
    yield ""
    yield f"Repeat: `{result.repeat}`"


def annotations(gate: GateResult) -> Iterator[str]:
    """Yield GitHub's workflow commands, one for each failure."""
    for result in gate.failures()[:ANNOTATIONS_MAX]:
        title = _property(f"{result.group}, {result.name}: {result.last.ending}")
        message = _command_data(f"{result.last.reason}\nrepeat: {result.repeat}")
        yield f"::error title={title}::{message}"
    for result in gate.results:
        if result.passed and result.retried:
            title = _property(f"{result.group}, {result.name}: passed when tried again")
            yield f"::warning title={title}::{_command_data(result.retried)}"


def _escaped(text: str) -> str:
    """Return `text` as one line that Markdown does not take for a table, a tag or emphasis."""
    line = " ".join(text.split())
    for sign in ("\\", "|", "<", "*", "_", "`", "["):
        line = line.replace(sign, f"\\{sign}")
    return line


def _command_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _command_data(text).replace(":", "%3A").replace(",", "%2C")
