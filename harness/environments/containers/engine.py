"""The Docker engine: whether it answers, and what a killed harness left there."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Final

import docker
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.errors import DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.models.images import Image
from docker.models.networks import Network
from docker.utils import parse_host

from harness.environments.hosts.processes import Identity
from harness.errors import HarnessError
from nemesis.surface import SurfaceError

CLUSTER_LABEL: Final = "quorate.cluster"
HARNESS_LABEL: Final = "quorate.harness"
NODE_LABEL: Final = "quorate.node"
"""On the containers of a cluster that others have started; its value is the node's name."""
_TIMEOUT_S: Final = 60
_UNIX: Final = "http+unix://"


def engine() -> docker.DockerClient:
    """Return a client of the engine; raises `HarnessError` if there is none that answers."""
    try:
        _knock()
        client = docker.from_env(timeout=_TIMEOUT_S)
        client.ping()
    except (DockerException, OSError) as error:
        raise HarnessError(
            "no Docker engine answers; apt-get install docker.io, and start dockerd "
            f"({_first_line(error)})"
        ) from error
    return client


def _knock() -> None:
    """Connect once, if it is to a socket of this machine; raises `OSError` if nobody listens.

    The library leaves the socket open whose connection failed.
    """
    address = str(parse_host(os.environ.get("DOCKER_HOST") or DEFAULT_UNIX_SOCKET))
    if address.startswith(_UNIX):
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_TIMEOUT_S)
            probe.connect(address.removeprefix(_UNIX))


def image_named(client: docker.DockerClient, name: str) -> Image:
    """Return an image of this machine; raises `HarnessError` if there is none of that name."""
    try:
        return client.images.get(name)
    except ImageNotFound as error:
        raise HarnessError(
            f"there is no image {name}; build it (docker build -t {name} .) or pull it"
        ) from error


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Let whatever the engine refuses be a `SurfaceError` that tells what we were `doing`."""
    try:
        yield
    except (DockerException, OSError) as error:
        raise SurfaceError(f"Docker could not {doing}: {_first_line(error)}") from error


def leftovers(client: docker.DockerClient) -> Sequence[str]:
    """Return the clusters whose harness has ended."""
    found: dict[str, bool] = {}
    things: list[Container | Network] = [
        *client.containers.list(all=True, filters={"label": CLUSTER_LABEL}, ignore_removed=True),
        *client.networks.list(filters={"label": CLUSTER_LABEL}),
    ]
    for thing in things:
        labels = _labels(thing)
        pid, _, ticks = labels.get(HARNESS_LABEL, "").partition(":")
        is_known = pid.isdigit() and ticks.isdigit()
        is_alive = is_known and Identity(int(pid), int(ticks)).is_alive()
        found[labels[CLUSTER_LABEL]] = is_alive
    return [cluster for cluster, is_alive in sorted(found.items()) if not is_alive]


def containers_left() -> Sequence[str]:
    """Return the clusters whose harness has ended; none where there is no engine."""
    try:
        client = engine()
    except HarnessError:
        return ()
    with closing(client):
        return leftovers(client)


def heal_containers() -> Iterator[str]:
    """Remove what harnesses that have ended left; yield the name of each cluster."""
    for cluster in containers_left():
        with closing(engine()) as client:
            remove_cluster(client, cluster)
        yield cluster


def remove_cluster(client: docker.DockerClient, cluster: str) -> None:
    """Remove every container of a cluster, running or not, and its network."""
    label: dict[str, str | list[str] | bool] = {"label": f"{CLUSTER_LABEL}={cluster}"}
    for container in client.containers.list(all=True, filters=label, ignore_removed=True):
        try:
            container.remove(force=True, v=True)
        except NotFound:  # Somebody else removes it, too.
            continue
    for network in client.networks.list(filters=label):
        try:
            network.remove()
        except NotFound:
            continue


def revive(client: docker.DockerClient, names: Sequence[str]) -> None:
    """Let containers that are not ours run again: thaw those that are frozen, start the others."""
    for name in names:
        try:
            container = client.containers.get(name)
        except NotFound:  # Its owner has removed it.
            continue
        if container.status == "paused":
            container.unpause()
        elif container.status != "running":
            container.start()


def _labels(thing: Container | Network) -> dict[str, str]:
    if isinstance(thing, Container):
        return dict(thing.labels)
    return dict(thing.attrs.get("Labels") or {})


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["it does not say why"])[0]
