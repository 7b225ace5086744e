"""docker-compose.yml declares a cluster that `--attach` can take."""

from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

import msgspec
import yaml

from harness.environments.containers.engine import NODE_LABEL
from harness.plan import Plan

FILE: Final = Path(__file__).parents[4] / "docker-compose.yml"


class Address(msgspec.Struct):
    """A service's place on a network."""

    ipv4_address: str


class Service(msgspec.Struct):
    """What matters here of a service."""

    image: str
    labels: dict[str, str]
    networks: dict[str, Address]
    command: str
    stop_signal: str

    @property
    def address(self) -> str:
        """The address on the cluster's network."""
        return self.networks["cluster"].ipv4_address

    def flag(self, name: str) -> str:
        """Return the value of a flag of the node."""
        (value,) = [
            word.partition("=")[2] for word in self.command.split() if word.startswith(f"--{name}=")
        ]
        return value


class Pool(msgspec.Struct):
    """The addresses of a network."""

    subnet: str


class Ipam(msgspec.Struct):
    """How addresses are given."""

    config: list[Pool]


class Network(msgspec.Struct):
    """What matters here of a network."""

    ipam: Ipam


class Compose(msgspec.Struct):
    """The file."""

    services: dict[str, Service]
    networks: dict[str, Network]


def compose() -> Compose:
    return msgspec.convert(yaml.safe_load(FILE.read_text(encoding="utf-8")), Compose)


def test_the_nodes_are_those_of_a_plan_that_says_nothing_else() -> None:
    services = compose().services

    assert tuple(services) == Plan().node_names
    for name, service in services.items():
        assert service.labels[NODE_LABEL] == service.flag("name") == name


def test_no_node_has_the_address_that_docker_takes_for_itself() -> None:
    file = compose()
    subnet = ip_network(file.networks["cluster"].ipam.config[0].subnet)

    for service in file.services.values():
        assert ip_address(service.address) in subnet
        assert ip_address(service.address) != next(subnet.hosts())


def test_every_node_listens_where_its_peers_and_the_harness_look_for_it() -> None:
    services = compose().services
    cluster = ",".join(f"{name}=http://{each.address}:2380" for name, each in services.items())

    for service in services.values():
        assert service.flag("initial-cluster") == cluster
        for flag, port in (
            ("listen-client-urls", 2379),
            ("advertise-client-urls", 2379),
            ("listen-peer-urls", 2380),
            ("initial-advertise-peer-urls", 2380),
        ):
            assert service.flag(flag) == f"http://{service.address}:{port}"
