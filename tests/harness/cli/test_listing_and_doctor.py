"""`quorate list` and `quorate doctor`."""

import json

from tests.harness.cli.conftest import Quorate


def test_list_names_what_the_options_take(quorate: Quorate) -> None:
    done = quorate("list")

    assert done.code == 0
    for name in ("register", "kv", "partition", "cas-register", "vote-not-persisted"):
        assert name in done.out


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
