"""Agents at the doors of containers, each in the network namespace of a container's process.

A container that is started has a new namespace, so its agent is replaced then. What an agent needs
is on the engine's machine: containers get no tools and no capabilities.
"""

import os
from collections.abc import Callable, Mapping
from typing import Final

from harness.environments.hosts.agent import Agent, ProcessLine
from harness.environments.hosts.links import HostLinks
from nemesis.surface import SurfaceError


def obstacle() -> str | None:
    """Return why containers' links cannot be broken, and what to do; None if they can."""
    if os.geteuid() != 0:
        return "an ordinary user may not enter the containers' networks: run as root"
    return None


class Doors:
    """The agents of one cluster, and the links over them."""

    def __init__(
        self,
        addresses: Mapping[str, str],
        pid_of: Callable[[str], int | None],
        variables: Mapping[str, str],
        cluster: str,
    ) -> None:
        """`pid_of` returns a node's process; agents run with `variables`."""
        self._pid_of = pid_of
        self._variables = variables
        self._cluster = cluster
        self._agents: dict[str, Agent] = {}
        self._lines: dict[str, ProcessLine] = {}
        self.links: Final = HostLinks(addresses, self._agents.get)

    def begin(self, node: str) -> None:
        """Start the agent of a container whose process has just been started."""
        pid = self._pid_of(node)
        if pid is None:  # It has ended again already; the next start brings an agent.
            return
        self._drop(node)
        entry = ["nsenter", f"--net=/proc/{pid}/ns/net", "--"]
        self._lines[node] = ProcessLine(entry, ["door", f"{self._cluster}/{node}"], self._variables)

    def finish(self, node: str) -> None:
        """Wait for the agent, and let it know what is in force."""
        line = self._lines.get(node)
        if line is None:
            return
        try:
            self._agents[node] = Agent(node, line)
        except SurfaceError:
            if self._pid_of(node) is not None:
                raise
            self._drop(node)  # Its namespace went with its process.
            return
        self.links.reimpose(node)

    def close(self) -> None:
        """Let the agents undo what they did, and end."""
        for line in self._lines.values():
            line.close()
        self._lines.clear()
        self._agents.clear()

    def _drop(self, node: str) -> None:
        """Let an agent go whose namespace has gone."""
        self._agents.pop(node, None)
        line = self._lines.pop(node, None)
        if line is not None:
            line.abandon()
