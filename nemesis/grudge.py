"""Topologies as pure functions: which directed links to cut so that the cluster looks so.

Each returns a set of (sender, receiver) pairs. `nodes` are the members' names, each once;
where a topology leaves a choice it is drawn from the `Random` given. The names and shapes
are Jepsen's (`jepsen.nemesis`: bisect, bridge, majorities-ring), on directed links.
"""

from collections.abc import Collection, Sequence
from random import Random

from nemesis.surface import Link


def all_links(nodes: Sequence[str]) -> frozenset[Link]:
    """Return every directed link between two different nodes."""
    return frozenset((sender, receiver) for sender in nodes for receiver in nodes) - frozenset(
        (node, node) for node in nodes
    )


def one_way(senders: Collection[str], receivers: Collection[str]) -> frozenset[Link]:
    """Return the links from each of `senders` to each of `receivers`, and none back."""
    return frozenset(
        (sender, receiver) for sender in senders for receiver in receivers if sender != receiver
    )


def between(some: Collection[str], others: Collection[str]) -> frozenset[Link]:
    """Return the links from `some` to `others` and back."""
    return one_way(some, others) | one_way(others, some)


def around(targets: Collection[str], nodes: Sequence[str]) -> frozenset[Link]:
    """Return every link from or to one of `targets`."""
    return between(targets, nodes)


def isolate(targets: Collection[str], nodes: Sequence[str]) -> frozenset[Link]:
    """Return the links between `targets` and all other nodes; targets still reach each other."""
    return between(targets, without(nodes, targets))


def groups(parts: Sequence[Collection[str]], nodes: Sequence[str]) -> frozenset[Link]:
    """Return the links between nodes of different parts.

    Nodes that no part names form one more part. No node may be in two parts.
    """
    named = [node for part in parts for node in part]
    assert len(named) == len(set(named)), "a node is in one part at most"
    complete = [*parts, without(nodes, named)]
    cut: frozenset[Link] = frozenset()
    for index, part in enumerate(complete):
        for later in complete[index + 1 :]:
            cut |= between(part, later)
    return cut


def halves(nodes: Sequence[str], random: Random) -> frozenset[Link]:
    """Return the links between two parts drawn evenly, as equal in size as can be.

    Of an odd number, the larger part is a majority; of an even number, neither is.
    """
    shuffled = _shuffled(nodes, random)
    return groups([shuffled[: len(nodes) // 2]], nodes)


def bridge(nodes: Sequence[str], random: Random) -> frozenset[Link]:
    """Return the links between two parts, one drawn node being in touch with both.

    With at least three nodes both parts have members and exactly one node sees everyone.
    With fewer there is nothing to cut, and the result is empty.
    """
    bridging, *rest = _shuffled(nodes, random)
    middle = len(rest) // 2
    assert bridging not in rest, "each node is named once"
    return between(rest[:middle], rest[middle:])


def majority_ring(nodes: Sequence[str], random: Random) -> frozenset[Link]:
    """Return the links that leave every node in touch with a majority, no two with the same.

    The nodes stand in a drawn ring; each keeps both directions to its nearest neighbours, as
    few on either side as make a majority with itself. With three nodes or fewer the
    neighbours are everyone, and the result is empty.

    Deviation: Jepsen cuts one direction more where a majority is even in number; then a
    node of three, or of seven, could hear a majority but exchange messages with none.
    """
    ring = _shuffled(nodes, random)
    size = len(ring)
    reach = (size // 2 + 1) // 2
    kept = frozenset(
        (node, ring[(place + step) % size])
        for place, node in enumerate(ring)
        for step in range(-reach, reach + 1)
    )
    return all_links(nodes) - kept


def without(nodes: Sequence[str], removed: Collection[str]) -> tuple[str, ...]:
    """Return the nodes that are not in `removed`, in their order."""
    return tuple(node for node in nodes if node not in removed)


def _shuffled(nodes: Sequence[str], random: Random) -> list[str]:
    assert len(nodes) == len(set(nodes)), "each node is named once"
    return random.sample(nodes, len(nodes))
