"""`quorate list`: workloads, faults, models, mutants, formats and systems."""

from collections.abc import Iterator

import click

from checkers.choose import choices
from checkers.formats.detect import Format
from checkers.promises import promise, promise_names
from checkers.raft.judge import PROPERTIES
from checkers.transactions.consistency import IMPLIES
from checkers.transactions.consistency import model_names as consistency_models
from checkers.watch.checker import GUARANTEES
from harness.environments.simulation.mutants.registry import MUTANTS
from harness.workloads.registry import workload_named, workload_names
from nemesis.packages import Package


@click.command("list")
def list_command() -> None:
    """List what can be named: workloads, faults, models, planted bugs, formats, systems."""
    for title, rows in _sections():
        click.echo(title)
        width = max(len(name) for name, _ in rows)
        for name, text in rows:
            click.echo(f"  {name:<{width}}  {text}".rstrip())
        click.echo()


def _sections() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    yield (
        "workloads (run --workload)",
        [(name, workload_named(name).summary) for name in workload_names()],
    )
    yield "faults (run --faults)", [(package.value, package.description) for package in Package]
    yield "models (check --model)", [(name, _promised(name)) for name in choices()]
    yield "checks of watches (in runs)", [(name, "") for name, _ in GUARANTEES]
    yield "checks of nodes' traces (check RUN)", [(name, "") for name in PROPERTIES]
    yield (
        "consistency of transactions (check --consistency)",
        [(name, _implied(name)) for name in consistency_models()],
    )
    yield (
        "planted bugs (run --mutant)",
        [(name, mutant.breaks) for name, mutant in sorted(MUTANTS.items())],
    )
    yield "formats (check --format)", [(name.value, "") for name in Format]
    yield (
        "systems (run --system)",
        [
            ("nodeimpl", "our own etcd-compatible node"),
            ("etcd", "an installed etcd, 3.4 or later; on real daemons only"),
        ],
    )
    yield (
        "environments (run --env)",
        [
            ("simulation", "in this process, in virtual time"),
            ("local", "processes of this machine; breaks: kill, pause, compact, stop"),
        ],
    )


def _promised(name: str) -> str:
    return promise(name) if name in promise_names() else ""


def _implied(consistency: str) -> str:
    weaker = IMPLIES.get(consistency, ())
    return f"and {', '.join(weaker)}" if weaker else ""
