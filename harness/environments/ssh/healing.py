"""What crashed runs left on the hosts of an inventory: found, or removed, by an agent there."""

import secrets
import shlex
from collections.abc import Sequence
from contextlib import closing

import msgspec

from harness.environments.hosts.agent import Agent
from harness.environments.ssh.connection import Connection, agent_archive
from harness.environments.ssh.inventory import Host
from harness.errors import HarnessError
from nemesis.surface import SurfaceError


def leftovers_on(node: str, host: Host, *, heal: bool) -> Sequence[str]:
    """Return what is left on a host, each in words; gone on return if it was to be healed.

    Trials that still run there are left alone. Raises `HarnessError` if the host cannot be asked.
    """
    with closing(Connection(node, host)) as connection:
        path = f"{host.directory}/doctor-{secrets.token_hex(4)}.pyz"
        try:
            connection.run(f"mkdir -p {shlex.quote(host.directory)}")
            connection.upload(agent_archive(), path, mode=0o644)
            program = shlex.join([host.python, "-I", path, "leftovers"])
            with closing(connection.open_line(f"exec {program}")) as line:
                answer = Agent(node, line).ask("heal" if heal else "find")
            connection.run(f"rm -f {shlex.quote(path)}")
        except SurfaceError as error:
            raise HarnessError(str(error)) from error
    return msgspec.convert(answer, list[str])
