"""`python -m harness.environments.peer_proxy PLACES SEED`: the proxy of one cluster, as a process.

PLACES is JSON, node to addresses. It prints a line when it listens, then answers every line of
commands by one; it ends with its standard input, so it does not outlive the harness.
"""

import asyncio
import sys
from random import Random

import msgspec

from harness.environments.peer_proxy.commands import Answer, Command
from harness.environments.peer_proxy.proxy import PeerProxy, Place
from harness.environments.peer_proxy.rules import LinkRules


async def _run(places: dict[str, tuple[str, str]], seed: str) -> None:
    named = {
        node: Place(node=node, address=address, target=target)
        for node, (address, target) in places.items()
    }
    proxy = PeerProxy(named, LinkRules(Random(seed)))
    await proxy.listen()
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    _say(Answer())
    decoder = msgspec.json.Decoder(Command)
    while line := await commands.readline():
        _say(Answer(proxy.carry_out(decoder.decode(line))))


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(
        _run(msgspec.json.decode(sys.argv[1], type=dict[str, tuple[str, str]]), sys.argv[2])
    )
