"""Leaders that fail while they are new: cut off, half deaf, frozen or killed.

A fault at a drawn time finds most leaderships old and their logs equal. One that waits for an
election meets a leader with entries that nobody else has yet, again and again, which is how logs
come to differ (Raft Figures 7 and 8) and reads to be answered by a leader of the past (thesis
§6.4).
"""

from nemesis.chance import Chance
from nemesis.fault import Fault
from nemesis.faults import pause, restart
from nemesis.faults.partition import Partition
from nemesis.link_choice import OTHERS, Aim, Aimed, Groups, LinkChoice


def draw(chance: Chance) -> Fault:
    """Draw what befalls the leader: mostly that it is cut off, and goes on by itself."""
    kind = chance.random.choice(("cut", "cut", "cut", "deaf", "mute", "pause", "kill"))
    match kind:
        case "pause":
            return pause.draw(chance)
        case "kill":
            return restart.draw_kill(chance)
        case "deaf":
            links: LinkChoice = Aimed(Aim.ONE_WAY_IN, chance.target)
        case "mute":
            links = Aimed(Aim.ONE_WAY_OUT, chance.target)
        case _:
            links = _with_company(chance)
    return Partition(links=links, hold_ns=chance.hold_ns)


def _with_company(chance: Chance) -> Groups:
    """Cut the leader off, with as many others as leave the rest a majority, or fewer.

    Whoever was drawn to keep it company and is the leader leaves it alone.
    """
    minority = (chance.node_count - 1) // 2
    company = chance.random.sample(chance.nodes, chance.random.randint(0, max(0, minority - 1)))
    return Groups(((chance.target, *company), (OTHERS,)))
