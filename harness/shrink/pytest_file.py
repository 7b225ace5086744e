"""The test that comes of a shrunk run: one file that needs nothing beside it but Quorate."""

import re
import textwrap
from typing import Final

from msgspec.structs import replace

from harness.case import Case, as_texts
from harness.shrink.measured import CERTAINTY, Measured
from harness.shrink.shrinker import Shrunk

_NAME_CHARACTERS_MAX: Final = 60
_COLUMNS: Final = 100

_TEMPLATE: Final = '''\
"""{kind}.

{about}
"""

{imports}
{mutant}{times}
PLAN = r"""
{plan}"""

SCHEDULE = r"""
{schedule}"""

OPERATIONS = {listed}


{test}'''

_MUTANT: Final = '''
MUTANT: str | None = "{name}"
"""The planted bug; None for the node as it is."""
'''

_IMPORTS: Final = "from harness.shrink.regression import conviction"
_TEST: Final = """\
def test_{name}() -> None:
    story = conviction(PLAN, SCHEDULE, OPERATIONS{given})
    assert not story, story
"""

_REAL_IMPORTS: Final = """\
from pathlib import Path

from harness.pytest_plugin.regression import real_conviction"""
_REAL_TEST: Final = """\
def test_{name}(tmp_path: Path) -> None:
    story = real_conviction(
        PLAN, SCHEDULE, OPERATIONS, kind=KIND, times=TIMES, out=tmp_path{given}
    )
    assert not story, story
"""
_REAL_TIMES: Final = '''
KIND = {kind!r}

TIMES = {times}
"""{why}"""
'''


def file_name_of(kind: str) -> str:
    """Return what to call the file of a conviction of this kind."""
    return f"test_{_slug(kind)}.py"


def pytest_file(shrunk: Shrunk) -> str:
    """Return the content of the file for a trial in simulation, which fails every time."""
    after = shrunk.after
    about = (
        f"{_sizes(after.faults, after.operations, after.nodes)} are enough. Written by"
        " `quorate shrink`; fails until the bug is fixed."
    )
    return _filled(shrunk.case, shrunk.kind, about, imports=_IMPORTS, times="", test=_TEST)


def real_pytest_file(case: Case, kind: str, measured: Measured) -> str:
    """Return the content of the file for a trial on real daemons, which fails now and then.

    `measured` says how often; the file has it run as often as it takes.
    """
    plan = case.plan
    sizes = _sizes(len(case.schedule.asked), len(case.operations or ()), plan.nodes)
    about = (
        f"{sizes} are enough, on real daemons ({plan.system}, {plan.environment}):"
        f" {measured.convicted} of {measured.runs} runs failed when `quorate shrink` wrote this."
        " Fails until the bug is fixed, or chance has it."
    )
    why = (
        f"Runs, at most; the first that is convicted of this kind ends the test. With"
        f" {measured.convicted} failures in {measured.runs + 1} runs, one more than were made,"
        f" {measured.times} runs miss a bug with a probability of at most {1 - CERTAINTY:.0%}."
    )
    times = _REAL_TIMES.format(kind=kind, times=measured.times, why=_wrapped(why))
    return _filled(case, kind, about, imports=_REAL_IMPORTS, times=times, test=_REAL_TEST)


def _filled(case: Case, kind: str, about: str, *, imports: str, times: str, test: str) -> str:
    mutant = case.plan.mutant
    plan = replace(case.plan, mutant=None)
    plan_text, schedule, operations = as_texts(replace(case, plan=plan))
    given = "" if mutant is None else ", mutant=MUTANT"
    return _TEMPLATE.format(
        kind=kind,
        about=_wrapped(about),
        imports=imports,
        mutant="" if mutant is None else _MUTANT.format(name=mutant),
        times=times,
        plan=plan_text,
        schedule=schedule,
        listed="None" if operations is None else f'r"""\n{operations}"""',
        test=test.format(name=_slug(kind), given=given),
    )


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _COLUMNS, break_long_words=False, break_on_hyphens=False)


def _slug(kind: str) -> str:
    """Return a kind as a part of a name."""
    words = re.sub(r"[^a-z0-9]+", "_", kind.lower()).strip("_")
    return words[:_NAME_CHARACTERS_MAX].rstrip("_")


def _sizes(faults: int, operations: int, nodes: int) -> str:
    text = (
        f"{_count(faults, 'fault')}, {_count(operations, 'operation')} and {_count(nodes, 'node')}"
    )
    return text[0].upper() + text[1:]


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
