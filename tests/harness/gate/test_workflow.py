"""The workflow that users copy (docs/ci): GitHub reads it, and it calls commands that there are."""

import shlex
from pathlib import Path

import msgspec

from harness.cli.gate import gate

WORKFLOW = Path(__file__).parents[3] / "docs" / "ci" / "github-actions.yml"


class Step(msgspec.Struct):
    name: str = ""
    run: str = ""
    with_: dict[str, str | int] = msgspec.field(default_factory=dict, name="with")


class Job(msgspec.Struct):
    steps: list[Step]


class Workflow(msgspec.Struct):
    jobs: dict[str, Job]


def steps() -> dict[str, Step]:
    workflow = msgspec.yaml.decode(WORKFLOW.read_bytes(), type=Workflow)
    return {step.name: step for step in workflow.jobs["gate"].steps}


def test_the_gate_understands_how_it_is_called() -> None:
    program, command, *arguments = shlex.split(steps()["Gate"].run)

    context = gate.make_context(command, arguments)

    assert (program, command) == ("quorate", "gate")
    assert (WORKFLOW.parent / str(context.params["suite_file"])).is_file()


def test_what_the_gate_leaves_behind_is_kept() -> None:
    context = gate.make_context("gate", shlex.split(steps()["Gate"].run)[2:])

    kept = str(steps()["Keep what failed, with its reports"].with_["path"]).split()

    assert kept == [f"{context.params['out']}/", str(context.params["junit"])]


def test_what_is_installed_is_what_was_fetched() -> None:
    fetched = steps()["Fetch Quorate"].with_["path"]

    assert steps()["Install Quorate"].run == f'pip install "./{fetched}[plots]"'
