"""JUnit's XML, as CI servers read it (the schema of Jenkins' xunit plugin).

A conviction is a `failure`; an UNKNOWN and a failure of the harness are an `error`.
"""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

from harness.gate.outcome import Ending, GateResult, Result

_NOT_XML: Final = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""


def junit_xml(gate: GateResult) -> str:
    """Return the document."""
    root = ET.Element("testsuites", _counts(gate.results) | {"name": _clean(gate.suite)})
    root.set("time", f"{gate.seconds:.3f}")
    for group, results in gate.groups():
        suite = ET.SubElement(root, "testsuite", {"name": _clean(group)} | _counts(results))
        suite.set("time", f"{sum(_seconds(result) for result in results):.3f}")
        for result in results:
            suite.append(_case(gate, result))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _counts(results: Sequence[Result]) -> dict[str, str]:
    endings = [result.last.ending for result in results]
    errors = endings.count(Ending.UNKNOWN) + endings.count(Ending.HARNESS)
    return {
        "tests": str(len(endings)),
        "failures": str(endings.count(Ending.INVALID)),
        "errors": str(errors),
        "skipped": "0",
    }


def _case(gate: GateResult, result: Result) -> ET.Element:
    case = ET.Element(
        "testcase",
        {
            "classname": _clean(f"{gate.suite}.{result.group}"),
            "name": _clean(result.name),
            "time": f"{_seconds(result):.3f}",
        },
    )
    last = result.last
    if not result.passed:
        kind = "failure" if last.ending is Ending.INVALID else "error"
        found = ET.SubElement(
            case, kind, {"type": last.ending.value, "message": _clean(last.reason)}
        )
        found.text = _clean(f"{last.story}\n\nrepeat: {result.repeat}".strip())
    if result.retried:
        ET.SubElement(case, "system-out").text = _clean(f"tried again after {result.retried}")
    return case


def _seconds(result: Result) -> float:
    return sum(attempt.seconds for attempt in result.attempts)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
