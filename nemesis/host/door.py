"""The door of one network namespace: what happens to packets that come in, by sender."""

from random import Random

from nemesis.host.firewall import Firewall, remove_chain
from nemesis.host.impairment import Impairment
from nemesis.host.packet_queue import PacketQueue
from nemesis.host.request import HostError, Request


class Door:
    """Answers `impose` (`senders`: impairments by address).

    It tells how many packets of each sender met the rules that were replaced.
    """

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)
        self._firewall = Firewall()
        self._queue: PacketQueue | None = None

    def answer(self, what: str, request: Request) -> object:
        """Do what is asked."""
        if what != "impose":
            raise HostError(f"a door cannot {what}")
        return self._impose(request)

    def close(self) -> None:
        """Let everything pass again."""
        remove_chain()

    def _impose(self, request: Request) -> dict[str, int]:
        senders = {
            address: Impairment.read(each) for address, each in request.table("senders").items()
        }
        queued = {address: each for address, each in senders.items() if each.is_queued}
        met = {each.sender: each.packets for each in self._firewall.counts()}
        if self._queue is None and queued:
            self._queue = PacketQueue(self._random)
        if self._queue is not None:
            self._queue.impose(queued)
        self._firewall.impose(senders)
        return met
