"""Single messages that are kept back and arrive when nobody expects them any more.

Delay and reordering shift messages by a little; a hold lets one answer of an old term, or of
a configuration that is no more, arrive after everything else has moved on. Raft must bear it,
as its messages may be delayed for any time (Raft §5.1). etcd issue 20418 is of this kind.
"""

from random import Random
from typing import ClassVar, Final

import msgspec
from msgspec.structs import replace

from nemesis.chance import Chance
from nemesis.durations import milliseconds
from nemesis.fault import Attempt, Done, Remedy, Site, Strike
from nemesis.faults.on_links import on_exact_links
from nemesis.fields import FieldError, Fields
from nemesis.link_choice import LinkChoice, describe_choice, exact_links
from nemesis.link_fields import links_value, read_links
from nemesis.names import Names
from nemesis.targets import Situation

COUNT_MAX: Final = 10_000

DRAWN_KINDS: Final = (
    (),
    ("AppendEntriesReply",),
    ("RequestVoteReply",),
    ("AppendEntries",),
    ("RequestVote", "RequestVoteReply"),
)
"""What drawn holds keep back, by the Raft paper's names; empty means messages of any kind."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Keep back the next messages of some kinds on the links chosen, and let them go at the end.

    The first `count` on each link are kept back, and all others pass them.
    """

    do: ClassVar[str] = "hold"
    remedy: ClassVar[Remedy] = Remedy.HEAL
    links: LinkChoice
    kinds: tuple[str, ...]
    """The environment's names of messages, sorted, each once; empty means any."""
    count: int
    is_reversed: bool
    """Whether the newest goes first in the end."""
    is_doubled: bool
    """Whether each goes twice in the end."""
    hold_ns: int

    def held_ns(self) -> int:
        """Return how long messages are kept back."""
        return self.hold_ns

    def lasting(self, held_ns: int) -> "Hold":
        """Return the same fault with another length."""
        return replace(self, hold_ns=held_ns)

    def resolve(self, situation: Situation, random: Random) -> tuple[Strike, ...]:
        """Return the same on exact links."""
        return on_exact_links(
            self.links, lambda links: replace(self, links=links), situation, random
        )

    def begin(self, site: Site) -> Attempt:
        """Keep messages back from now on."""
        links = frozenset(exact_links(self.links))
        site.links().hold(_name(site), links, frozenset(self.kinds), count_max=self.count)
        return Done()

    def end(self, site: Site) -> Attempt:
        """Let go what was kept back."""
        count = site.links().release(
            _name(site), is_reversed=self.is_reversed, is_doubled=self.is_doubled
        )
        return Done(f"{count} message{'' if count == 1 else 's'} let go")

    def begins(self) -> str:
        """Return the beginning as a phrase."""
        kinds = ", ".join(self.kinds) or "messages"
        where, held = describe_choice(self.links), milliseconds(self.hold_ns)
        return f"hold the next {self.count} {kinds} on {where} for {held} ms"

    def ends(self) -> str:
        """Return the end as a phrase."""
        order = ", newest first" if self.is_reversed else ""
        twice = ", twice" if self.is_doubled else ""
        return f"let messages go on {describe_choice(self.links)}{order}{twice}"

    def value(self) -> dict[str, object]:
        """Return the fields; those that say nothing special are left out."""
        value = links_value(self.links)
        if self.kinds:
            value |= {"kinds": self.kinds}
        value |= {"count": self.count}
        if self.is_reversed:
            value |= {"reversed": True}
        if self.is_doubled:
            value |= {"doubled": True}
        return value | {"hold_ms": milliseconds(self.hold_ns)}

    @classmethod
    def read(cls, fields: Fields, names: Names) -> "Hold":
        """Return the fault that `fields` describe."""
        return cls(
            links=read_links(fields, names),
            kinds=_read_kinds(fields),
            count=fields.integer("count", least=1, most=COUNT_MAX),
            is_reversed=fields.has("reversed") and fields.truth("reversed"),
            is_doubled=fields.has("doubled") and fields.truth("doubled"),
            hold_ns=fields.duration_ns("hold_ms"),
        )


def _read_kinds(fields: Fields) -> tuple[str, ...]:
    if not fields.has("kinds"):
        return ()
    kinds = fields.texts("kinds", 'names of messages, as ["AppendEntriesReply"]')
    if not kinds:
        raise FieldError("`kinds` names no message: leave it out to hold any")
    return tuple(sorted(set(kinds)))


def _name(site: Site) -> str:
    """Return the hold's name: an asked hold is one explicit hold, so its id is enough."""
    return f"fault {site.begun.id}"


def draw(chance: Chance) -> Hold:
    """Draw a hold of one message or of a few."""
    random = chance.random
    return Hold(
        links=chance.around_target(),
        kinds=random.choice(DRAWN_KINDS),
        count=random.choice((1, 1, 3, 10)),
        is_reversed=random.random() < 0.5,
        is_doubled=random.random() < 0.3,
        hold_ns=chance.hold_ns,
    )
