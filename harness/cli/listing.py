"""`quorate list`: workloads, faults, models, mutants, formats and systems."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import click

from checkers.choose import ETCD, MULTI_REGISTER, choices
from checkers.formats.detect import Format
from checkers.promises import promise, promise_names
from checkers.raft.judge import PROPERTIES
from checkers.transactions.checker import LIST_APPEND, RW_REGISTER
from checkers.transactions.consistency import IMPLIES
from checkers.transactions.consistency import model_names as consistency_models
from checkers.watch.checker import GUARANTEES
from harness.environments.catalog import ENVIRONMENTS
from harness.environments.simulation.mutants.registry import MUTANTS
from harness.trial import SIMULATION
from harness.workloads.registry import workload_named, workload_names
from nemesis.packages import Package

MODELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "register": "read and write of single values",
        "cas-register": "read, write and compare-and-set of single values",
        MULTI_REGISTER: "transactions over registers, by trying out orders; for small histories",
        RW_REGISTER: "transactions of reads and writes, judged as Elle does",
        LIST_APPEND: "transactions of reads and appends to lists, judged as Elle does",
        "kv": "put, append and get of strings",
        ETCD: "put, get, range, delete and txn with etcd's revisions",
        "set": "add, remove and read of all elements",
        "fifo-queue": "enqueue and dequeue, in their order",
        "unordered-queue": "enqueue and dequeue, in any order",
        "mutex": "acquire and release, whoever asks",
        "owner-mutex": "acquire and release; only its owner may release it",
        "reentrant-mutex": "an owner-mutex that its owner may acquire again",
    }
)
"""What there is an order of, or none; the models that are promises say themselves what."""

FORMATS: Final[Mapping[Format, str]] = MappingProxyType(
    {
        Format.ETCD_REPORT: "the directory of a run of etcd's robustness tests",
        Format.QUORATE: "our own JSON lines",
        Format.JEPSEN_EDN: "operation maps of Jepsen, Knossos and Elle",
        Format.JEPSEN_JSON: "the same in JSON, as elle-cli takes it",
        Format.JEPSEN_LOG: "Jepsen's log of a run against registers",
        Format.PORCUPINE_KV: "Porcupine's key-value files",
    }
)

_ENVIRONMENT_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        SIMULATION: "in this process, in virtual time",
        "local": "processes of this machine",
        "docker": "containers of this machine, made for it or running",
        "ssh": "other hosts",
    }
)


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
    yield "formats (check --format)", [(name.value, FORMATS[name]) for name in Format]
    yield (
        "systems (run --system)",
        [
            ("nodeimpl", "our own etcd-compatible node"),
            ("etcd", "an installed etcd, 3.4 or later; on real daemons only"),
        ],
    )
    yield (
        "environments (run --env)",
        [(name, _ENVIRONMENT_WORDS[name]) for name in (SIMULATION, *ENVIRONMENTS)],
    )


def _promised(name: str) -> str:
    return promise(name) if name in promise_names() else MODELS[name]


def _implied(consistency: str) -> str:
    weaker = IMPLIES.get(consistency, ())
    return f"and {', '.join(weaker)}" if weaker else ""
