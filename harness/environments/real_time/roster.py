"""Who belongs to a real cluster, and how everybody is reached, while nodes come and go.

Lives in the event loop; other threads may read it, so whatever they go through from end to end is
replaced and never changed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from harness.environments.real_time.endpoint import Endpoint
from harness.systems.system import Member


class Roster:
    """The founders at first. Clients of a node that has left are sent to the newest voter."""

    def __init__(
        self,
        founders: Sequence[Member],
        endpoints: Mapping[str, Endpoint],
        on_moved: Callable[[str, str], None],
    ) -> None:
        """`endpoints` are the founders', who close them.

        `on_moved` is told where a founder's clients are sent from now on.
        """
        self._on_moved = on_moved
        self._members = {member.name: member for member in founders}
        self.names: tuple[str, ...] = tuple(self._members)
        """Every node that belongs to the cluster, or is about to, in the order of coming."""
        self._learners: tuple[str, ...] = ()
        self.endpoints: Final = dict(endpoints)
        """Of all nodes there ever were."""
        self.clients: Final = dict(endpoints)
        """Where clients find a founder: itself, or who came after it."""
        self.addresses: Final = {member.name: member.client_address for member in founders}
        """The same, as addresses."""
        self._joined: list[Endpoint] = []

    async def close(self) -> None:
        """Close the endpoints of those who joined."""
        for endpoint in self._joined:
            await endpoint.close()

    @property
    def known_count(self) -> int:
        """How many nodes there ever were, those included that never ran."""
        return len(self._members)

    def voters(self) -> Mapping[str, Endpoint]:
        """Return the nodes that serve clients: a learner answers hardly anything."""
        return {name: self.endpoints[name] for name in self.names if name not in self._learners}

    def name_at(self, peer_url: str) -> str | None:
        """Return the node whose peers find it there; None if nobody's do."""
        for name, member in self._members.items():
            if peer_url == url_of(member):
                return name
        return None

    def member(self, name: str) -> Member:
        """Return a node there ever was."""
        return self._members[name]

    def expect(self, member: Member) -> None:
        """Know of a new node, which has a machine and does not belong to the cluster yet."""
        self._members = {**self._members, member.name: member}

    def join(self, name: str) -> Endpoint:
        """Let a node that is known belong to the cluster, as a learner; return its endpoint."""
        endpoint = Endpoint(self._members[name].client_address)
        self._joined.append(endpoint)
        self.endpoints[name] = endpoint
        self._learners = (*self._learners, name)
        self.names = (*self.names, name)
        return endpoint

    def promote(self, name: str) -> None:
        """Count a learner as a voter."""
        self._learners = tuple(other for other in self._learners if other != name)

    def leave(self, name: str) -> None:
        """Let go of a node."""
        self.names = tuple(other for other in self.names if other != name)
        voters = list(self.voters())
        assert voters, "a cluster has somebody to ask"
        for founder, endpoint in self.clients.items():
            if endpoint is self.endpoints[name]:
                self.clients[founder] = self.endpoints[voters[-1]]
                self.addresses[founder] = self._members[voters[-1]].client_address
                self._on_moved(founder, voters[-1])


def url_of(member: Member) -> str:
    """Return where peers find the node, as the store's own API says it."""
    return f"http://{member.peer_address}"
