"""Ports that clusters on one machine take from one another's way."""

import socket
from pathlib import Path

import pytest

from harness.environments.local.ports import Ports
from harness.errors import HarnessError


def test_two_clusters_get_different_ports(tmp_path: Path) -> None:
    first, second = Ports(tmp_path), Ports(tmp_path)
    taken = [*first.take(6), *second.take(6)]
    first.release()
    second.release()

    assert len(set(taken)) == 12


def test_a_port_is_kept_although_nobody_listens_there(tmp_path: Path) -> None:
    first, second = Ports(tmp_path), Ports(tmp_path)
    (kept,) = first.take(1)

    assert kept not in second.take(50)
    first.release()
    second.release()


def test_a_port_given_back_may_be_taken_again(tmp_path: Path) -> None:
    first = Ports(tmp_path)
    (given_back,) = first.take(1)
    first.release()

    assert list(first.take(1)) == [given_back]
    first.release()


def test_a_port_that_somebody_else_listens_on_is_passed_over(tmp_path: Path) -> None:
    ports = Ports(tmp_path)
    (first,) = ports.take(1)
    ports.release()
    with socket.create_server(("127.0.0.1", first)):
        assert first not in ports.take(5)
    ports.release()


def test_ports_lie_below_those_of_outgoing_connections(tmp_path: Path) -> None:
    ports = Ports(tmp_path)
    taken = ports.take(10)
    ports.release()

    first_of_kernel = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(taken) < first_of_kernel


def test_too_many_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.environments.local.ports._RANGE_SIZE", 3)
    ports = Ports(tmp_path)

    with pytest.raises(HarnessError, match="of 4 ports are free"):
        ports.take(4)

    ports.release()
