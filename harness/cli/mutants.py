"""`quorate mutants`: hunt planted bugs, to know what the oracles and checkers would find."""

import os
from collections.abc import Iterator, Sequence

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from checkers.verdict import Answer
from harness.environments.simulation.mutants.registry import MUTANTS, mutant_named
from harness.hunt import Hunted, hunt_all

CPU_SECONDS_GOAL = 10.0
"""Within so much CPU time the swarm is to convict nearly every mutant."""


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How many trials of the swarm a mutant must survive to be let go.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes that share the work; as many as there are cores, if not given.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a table.")
def mutants(names: tuple[str, ...], seeds: int, jobs: int | None, as_json: bool) -> Answer:
    """Hunt the planted bugs NAME, or all of them (quorate list), until each is convicted.

    Each is tried under the swarm, seed after seed; one that survives is tried under its scenario,
    if it has one. The exit code is 1 if any is not convicted.

    \b
    quorate mutants
    quorate mutants figure-8 vote-not-persisted --seeds 50
    """  # noqa: D301 - \b keeps the lines below it apart
    for name in names:
        mutant_named(name)
    asked = names or tuple(MUTANTS)
    hunted: list[Hunted] = []
    for each in _shown(hunt_all(asked, seeds_max=seeds, jobs=jobs or os.cpu_count() or 1), asked):
        hunted.append(each)
        if not as_json:
            click.echo(_row(each, max(map(len, asked))))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(hunted)).decode())
    else:
        click.echo(_summary(hunted))
    return Answer.VALID if all(each.convicted for each in hunted) else Answer.INVALID


def _shown(hunts: Iterator[Hunted], names: Sequence[str]) -> Iterator[Hunted]:
    """Yield the hunts, and show on a terminal how far they have come."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("hunting"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("hunt", total=len(names))
        for each in hunts:
            bar.advance(task)
            yield each


def _row(hunted: Hunted, width: int) -> str:
    by = hunted.convicted_by or "NOT CONVICTED"
    return (
        f"{hunted.name:<{width}}  {hunted.by or '-':<8}  {hunted.seeds:>4} seeds  "
        f"{hunted.cpu_seconds:>6.1f} CPU s  {by}"
    )


def _summary(hunted: Sequence[Hunted]) -> str:
    convicted = [each for each in hunted if each.convicted]
    quickly = [
        each for each in convicted if each.by == "swarm" and each.cpu_seconds <= CPU_SECONDS_GOAL
    ]
    by_scenario = [each for each in convicted if each.by == "scenario"]
    return (
        f"{len(convicted)} of {len(hunted)} convicted: {len(quickly)} by the swarm within "
        f"{CPU_SECONDS_GOAL:g} CPU s, {len(by_scenario)} by a scenario"
    )
