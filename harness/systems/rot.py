"""Which bits of a daemon's log can go wrong so that its checksums must tell.

A disk knows no records; this does. Bits are chosen in data that a checksum covers, in the last
segment, which every start reads, and in records of which a durable one follows: damage in the last
looks like a write that a power cut tore (Alagappan et al. 2018). etcd takes a record for torn, too,
if a whole sector of it is zeros (wal/decoder.go: isTornEntry), so none is left looking so.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from checkers.raft.etcd_wal import Place, Segment, lacks_a_sector, places_in
from nodeimpl.storage.wal_segment import SEGMENT_HEADER_BYTES, decode_header, records_from

_Torn: TypeAlias = Callable[[bytes | bytearray, int, int], bool]
_PlacesOf: TypeAlias = Callable[[Segment], Sequence[Place]]

_FOLDER: Final = "member/wal"
"""Where both systems have their segments, named so that the last is the newest."""

_TRIES_PER_BIT: Final = 4
"""Draws for each bit that is wished, where some must not be flipped."""


class Rot(msgspec.Struct, frozen=True):
    """Bits of one file that are to go wrong."""

    file: str
    """Below the data directory."""
    bits: tuple[tuple[int, int], ...]
    """Bytes by their places, no place twice, and in each the bits."""

    @property
    def bit_count(self) -> int:
        """How many bits that is."""
        return sum(bits.bit_count() for _, bits in self.bits)


def choose_rot(system: str, data_directory: Path, count: int, random: Random) -> Rot | None:
    """Return up to `count` bits of the log that `system` has below `data_directory`.

    None where no record has a durable one behind it. Reads what is durable, so `data_directory` is
    to be the one below a disk that holds back the rest.
    """
    places_of, looks_torn = _LOGS[system]
    paths = sorted((data_directory / _FOLDER).glob("*.wal"))
    if not paths:
        return None
    segment = Segment(paths[-1].name, paths[-1].read_bytes())
    places = [
        place
        for place in places_of(segment)
        if place.data_start < place.data_end
        and not looks_torn(segment.content, place.start, place.end)
    ]
    chosen = _chosen(segment.content, places, count, random, looks_torn) if places else {}
    if not chosen:
        return None
    return Rot(f"{_FOLDER}/{segment.name}", tuple(sorted(chosen.items())))


def has_rot(system: str) -> bool:
    """Say whether the records of the system's log are known here."""
    return system in _LOGS


def _chosen(
    content: bytes,
    places: Sequence[Place],
    count: int,
    random: Random,
    looks_torn: _Torn,
) -> dict[int, int]:
    """Return the bits to flip by their bytes: as many as wished, or as can be."""
    chosen: dict[int, int] = {}
    rotten = bytearray(content)
    left = count
    for _ in range(count * _TRIES_PER_BIT):
        place = places[random.randrange(len(places))]
        at, bit = random.randrange(place.data_start, place.data_end), 1 << random.randrange(8)
        if chosen.get(at, 0) & bit:
            continue
        rotten[at] ^= bit
        if looks_torn(rotten, place.start, place.end):
            rotten[at] ^= bit
            continue
        chosen[at] = chosen.get(at, 0) | bit
        left -= 1
        if left == 0:
            break
    return chosen


def _places_of_etcd(segment: Segment) -> Sequence[Place]:
    return places_in(segment)[:-1]


def _places_of_nodeimpl(segment: Segment) -> Sequence[Place]:
    """Return the records that the last good one says were durable."""
    content = segment.content
    header = decode_header(content)
    if header is None:
        return ()
    seed = header.segment_id.seed
    records = records_from(content, SEGMENT_HEADER_BYTES, seed, header.first_number)
    return [
        Place(start=each.start, data_start=each.payload_start, data_end=each.end, end=each.end)
        for each in records[:-1]
        if each.number <= records[-1].durable
    ]


def _never(content: bytes | bytearray, start: int, end: int) -> bool:
    """Say no: what looks torn to our node is decided by what lies behind."""
    del content, start, end
    return False


_LOGS: Final[Mapping[str, tuple[_PlacesOf, _Torn]]] = MappingProxyType(
    {
        "etcd": (_places_of_etcd, lacks_a_sector),
        "nodeimpl": (_places_of_nodeimpl, _never),
    }
)
"""By system: which records of a segment can rot, and what it takes for torn."""
