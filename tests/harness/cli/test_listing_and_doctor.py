"""`quorate list` and `quorate doctor`."""

import json

from checkers.choose import choices
from checkers.formats.detect import Format
from harness.environments.catalog import ENVIRONMENTS
from harness.trial import SIMULATION
from tests.harness.cli.conftest import Quorate


def test_list_names_what_the_options_take(quorate: Quorate) -> None:
    done = quorate("list")

    assert done.code == 0
    for name in ("register", "kv", "partition", "cas-register", "vote-not-persisted"):
        assert name in done.out


def test_every_model_format_and_environment_is_explained(quorate: Quorate) -> None:
    words = dict(line.split(maxsplit=1) for line in explained(quorate("list").out))

    assert set(words) >= {*choices(), *Format, SIMULATION, *ENVIRONMENTS}


def explained(text: str) -> list[str]:
    """Return the lines that name something and say what it is."""
    return [line for line in text.splitlines() if line.startswith("  ") and len(line.split()) > 1]


def test_doctor_tries_the_simulation(quorate: Quorate) -> None:
    done = quorate("doctor", "--json")

    findings = json.loads(done.out)
    assert done.code == 0
    assert findings["simulation"]["state"] == "yes"
    assert set(findings) >= {"python", "docker", "etcd", "namespaces", "clocks", "disks"}


def test_help_teaches_by_example(quorate: Quorate) -> None:
    done = quorate("run", "--help")

    assert done.code == 0
    assert "quorate run --workload kv" in done.out
