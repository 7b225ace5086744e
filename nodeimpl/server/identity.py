"""Who a data directory belongs to: written when it is made, and counting more than flags then on.

    <data-dir>/member/identity.json

A directory of another cluster or member is refused: a member that took another's log for its own
would break promises it never made.
"""

from pathlib import Path
from typing import Final

import msgspec

from nodeimpl.config import INCARNATION_MAX
from nodeimpl.ids import NodeId
from nodeimpl.storage.directories import write_durably

FILE_NAME: Final = "identity.json"


class DataDirError(Exception):
    """A data directory that this member cannot be started with; the message says why."""


class Founder(msgspec.Struct, frozen=True, kw_only=True):
    """A founder of the cluster, as the flags named it."""

    member_id: NodeId
    name: str
    peer_urls: tuple[str, ...]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who keeps its data here."""

    cluster_id: int
    member_id: NodeId
    founders: tuple[Founder, ...]
    """Of a member that joined: who was there then; `is_founder` says whether it is one of them."""
    is_founder: bool
    incarnation: int
    """How often the member was started."""


def read_identity(directory: Path) -> Identity | None:
    """Return whose directory this is; None if nobody's. Raises `DataDirError`."""
    path = directory / FILE_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=Identity)
    except msgspec.DecodeError as error:
        raise DataDirError(f"{path} is damaged: {error}") from error


def write_identity(directory: Path, identity: Identity) -> None:
    """Write durably whose directory this is."""
    write_durably(directory / FILE_NAME, msgspec.json.format(msgspec.json.encode(identity)) + b"\n")


def started_again(identity: Identity) -> Identity:
    """Return the identity for the next start; raise `DataDirError` if there were too many."""
    if identity.incarnation >= INCARNATION_MAX:
        raise DataDirError(
            f"this member was started {identity.incarnation} times, as often as can be counted: "
            "remove it from the cluster and add it anew"
        )
    return msgspec.structs.replace(identity, incarnation=identity.incarnation + 1)
