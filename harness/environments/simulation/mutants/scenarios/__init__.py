"""Scenarios for bugs that chance alone hardly finds: a plan and a schedule with triggers for each.

`<name>.toml` is the plan, which names its schedule, `<name>.json`; both are files as `quorate run`
takes them. The seed still draws timeouts and latencies, so a scenario is tried with several.
"""

from pathlib import Path
from typing import Final

import msgspec

from harness.plan import Plan
from harness.plan_file import load_plan

FOLDER: Final = Path(__file__).parent
"""Where the files are; schedules are named relative to it."""


def scenario_plan(name: str, seed: int, mutant: str | None) -> Plan:
    """Return the plan of the scenario called `name` for a seed and a mutant, or the healthy node.

    Its schedule lies in `FOLDER`.
    """
    return msgspec.structs.replace(load_plan(FOLDER / f"{name}.toml"), seed=seed, mutant=mutant)
