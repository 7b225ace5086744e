"""The test that comes of a shrunk run: one file that needs nothing beside it but Quorate."""

import re
from typing import Final

from msgspec.structs import replace

from harness.case import as_texts
from harness.shrink.shrinker import Shrunk

_NAME_CHARACTERS_MAX: Final = 60

_TEMPLATE: Final = '''\
"""{kind}.

{faults}, {operations} and {nodes} are enough. Written by `quorate shrink`; fails until the bug is
fixed.
"""

from harness.shrink.regression import conviction
{mutant}
PLAN = r"""
{plan}"""

SCHEDULE = r"""
{schedule}"""

OPERATIONS = {listed}


def test_{name}() -> None:
    story = conviction(PLAN, SCHEDULE, OPERATIONS{given})
    assert not story, story
'''

_MUTANT: Final = '''
MUTANT: str | None = "{name}"
"""The planted bug; None for the node as it is."""
'''


def file_name_of(shrunk: Shrunk) -> str:
    """Return what to call the file."""
    return f"test_{_slug(shrunk.kind)}.py"


def pytest_file(shrunk: Shrunk) -> str:
    """Return the file's content."""
    mutant = shrunk.case.plan.mutant
    plan = replace(shrunk.case.plan, mutant=None)
    plan_text, schedule, operations = as_texts(replace(shrunk.case, plan=plan))
    after = shrunk.after
    return _TEMPLATE.format(
        kind=shrunk.kind,
        faults=_count(after.faults, "fault"),
        operations=_count(after.operations, "operation"),
        nodes=_count(after.nodes, "node"),
        mutant="" if mutant is None else _MUTANT.format(name=mutant),
        plan=plan_text,
        schedule=schedule,
        listed="None" if operations is None else f'r"""\n{operations}"""',
        name=_slug(shrunk.kind),
        given="" if mutant is None else ", mutant=MUTANT",
    )


def _slug(kind: str) -> str:
    """Return a kind as a part of a name."""
    words = re.sub(r"[^a-z0-9]+", "_", kind.lower()).strip("_")
    return words[:_NAME_CHARACTERS_MAX].rstrip("_")


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
