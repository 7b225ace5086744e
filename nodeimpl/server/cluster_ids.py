"""Who is who in a new cluster, from its flags alone, so that all founders agree without talking.

A member's id is made of its peer URLs and the cluster's token, the cluster's id of its members' ids
(etcd, membership/member.go and cluster.go: the same flags give the same ids as etcd).
"""

import hashlib
from collections.abc import Iterable, Mapping

from nodeimpl.config import short_id
from nodeimpl.ids import NodeId
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.urls import Url, UrlError, parse_url


def member_id(peer_urls: Iterable[str], token: str, *, added_at: int | None = None) -> NodeId:
    """Return the id of a member; one added later also depends on when."""
    text = "".join(sorted(peer_urls)) + token
    if added_at is not None:
        text += str(added_at)
    return NodeId(_first_8_bytes(text.encode()))


def cluster_id(members: Iterable[NodeId]) -> int:
    """Return the id of the cluster that these members found."""
    return _first_8_bytes(b"".join(member.to_bytes(8, "big") for member in sorted(members)))


def parse_initial_cluster(text: str) -> dict[str, tuple[Url, ...]]:
    """Return the founders' peer URLs by name, from name=URL,name=URL; a name may come again.

    Raises `FlagError`.
    """
    founders: dict[str, list[Url]] = {}
    for part in text.split(","):
        name, equals, url = part.strip().partition("=")
        if not equals or not name:
            raise FlagError(f"--initial-cluster: expected name=URL, not {part!r}")
        try:
            founders.setdefault(name, []).append(parse_url(url))
        except UrlError as error:
            raise FlagError(f"--initial-cluster: {error}") from error
    return {name: tuple(urls) for name, urls in founders.items()}


def founders_ids(founders: Mapping[str, tuple[Url, ...]], token: str) -> dict[str, NodeId]:
    """Return the founders' ids by name.

    Raises `FlagError` in the rare case that two would share what tells their requests apart.
    """
    ids = {name: member_id((str(url) for url in urls), token) for name, urls in founders.items()}
    if len({short_id(node_id) for node_id in ids.values()}) < len(ids):
        raise FlagError("the members' ids are too alike; give another --initial-cluster-token")
    return ids


def _first_8_bytes(data: bytes) -> int:
    return int.from_bytes(hashlib.sha1(data, usedforsecurity=False).digest()[:8], "big")
