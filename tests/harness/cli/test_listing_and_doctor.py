"""`quorate list` and `quorate doctor`."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.cli import doctor
from harness.environments.ssh.inventory import Host
from harness.errors import HarnessError
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


@pytest.mark.parametrize(("option", "words"), [((), "left on"), (("--heal",), "removed from")])
def test_doctor_looks_at_the_hosts_of_an_inventory(
    quorate: Quorate,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    option: Sequence[str],
    words: str,
) -> None:
    def leftovers_on(node: str, host: Host, *, heal: bool) -> Sequence[str]:
        assert heal == bool(option)
        if node == "n3":
            raise HarnessError(f"n3: {host.address} cannot be reached")
        return [] if node == "n1" else ["process 7 of quorate-1", "rules of iptables"]

    fine = doctor.Finding("simulation", doctor.State.YES, "tried elsewhere")
    monkeypatch.setattr(doctor, "_findings", lambda: iter([fine]))
    monkeypatch.setattr(doctor, "_heal", lambda: iter(()))
    monkeypatch.setattr(doctor, "leftovers_on", leftovers_on)
    inventory = tmp_path / "hosts.toml"
    inventory.write_text("".join(f'[[hosts]]\naddress = "10.0.0.{n}"\n' for n in (1, 2, 3)))
    done = quorate("doctor", "--inventory", str(inventory), *option)

    assert done.code == 0
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert "yes  nothing is left on 10.0.0.1" in lines["n1"]
    assert f"{words} 10.0.0.2: process 7 of quorate-1, rules of iptables" in lines["n2"]
    assert "no   n3: 10.0.0.3 cannot be reached" in lines["n3"]


def test_doctor_refuses_an_inventory_that_is_not_there(quorate: Quorate) -> None:
    assert quorate("doctor", "--inventory", "nowhere.toml").code == 64


def test_help_teaches_by_example(quorate: Quorate) -> None:
    done = quorate("run", "--help")

    assert done.code == 0
    assert "quorate run --workload kv" in done.out
