"""How a member comes to know who it is: from its data directory, its flags, or the others.

- a directory that was used before says it, whatever the flags say (as etcd);
- `--initial-cluster-state new`: the flags say it, and all founders agree;
- `existing`: the members that are there say it; this one finds itself by its peer URLs.
"""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Final

import structlog

from nodeimpl.ids import NodeId
from nodeimpl.server.cluster_ids import cluster_id, founders_ids, parse_initial_cluster
from nodeimpl.server.driver import ApiFailure
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.flags import Flags
from nodeimpl.server.frames import PROTOCOL_VERSION, Hello
from nodeimpl.server.identity import Founder, Identity
from nodeimpl.server.network import CALL_TIMEOUT_SECONDS, PeerRefusedError, connect
from nodeimpl.server.peer_calls import LIST_MEMBERS, ClusterView, decode_payload
from nodeimpl.server.urls import Url

JOIN_SECONDS_MAX: Final = 30.0
"""For finding a member that answers."""
_RETRY_SECONDS: Final = 0.5

_log: Final = structlog.stdlib.get_logger("bootstrap")


class JoinError(Exception):
    """The cluster that is to be joined does not know this member, or does not answer."""


def founded_by_flags(flags: Flags) -> Identity:
    """Return who this member is in a new cluster; raise `FlagError` if the flags do not fit."""
    founders = parse_initial_cluster(flags.initial_cluster)
    if flags.name not in founders:
        raise FlagError(f"couldn't find local name {flags.name!r} in --initial-cluster")
    own = sorted(str(url) for url in founders[flags.name])
    advertised = sorted(str(url) for url in flags.initial_advertise_peer_urls)
    if own != advertised:
        raise FlagError(
            f"--initial-cluster has {flags.name}={','.join(own)} but missing from "
            f"--initial-advertise-peer-urls={','.join(advertised)}"
        )
    ids = founders_ids(founders, flags.initial_cluster_token)
    return Identity(
        cluster_id=cluster_id(ids.values()),
        member_id=ids[flags.name],
        founders=tuple(
            Founder(member_id=ids[name], name=name, peer_urls=tuple(str(url) for url in urls))
            for name, urls in sorted(founders.items())
        ),
        is_founder=True,
        incarnation=0,
    )


async def joining(flags: Flags, tls: ssl.SSLContext | None) -> Identity:
    """Return who this member is in a cluster that added it; raise `JoinError`, `FlagError`."""
    founders = parse_initial_cluster(flags.initial_cluster)
    others = [url for name, urls in founders.items() if name != flags.name for url in urls]
    if not others:
        raise FlagError("--initial-cluster names no other member to join")
    view = await _ask_around(others, tls)
    advertised = {str(url) for url in flags.initial_advertise_peer_urls}
    own = next((each for each in view.members if advertised & set(each.peer_urls)), None)
    if own is None:
        raise JoinError(
            f"no member of the cluster has the peer URLs {sorted(advertised)}: add it first"
        )
    return Identity(
        cluster_id=view.cluster_id,
        member_id=own.member_id,
        founders=tuple(
            Founder(member_id=each.member_id, name=each.name, peer_urls=each.peer_urls)
            for each in view.members
        ),
        is_founder=False,
        incarnation=0,
    )


async def _ask_around(urls: Sequence[Url], tls: ssl.SSLContext | None) -> ClusterView:
    """Return what the first member says that answers."""
    last: Exception | None = None
    try:
        async with asyncio.timeout(JOIN_SECONDS_MAX):
            while True:
                for url in urls:
                    try:
                        return await _ask(url, tls)
                    except (OSError, TimeoutError, PeerRefusedError, ApiFailure) as error:
                        last = error
                        _log.warning("no answer", url=str(url), error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise JoinError(f"no member of --initial-cluster answers: {last}") from last


async def _ask(url: Url, tls: ssl.SSLContext | None) -> ClusterView:
    connection = await connect(url, Hello(PROTOCOL_VERSION, 0, 0, 0), tls)
    try:
        answer = await connection.call(LIST_MEMBERS, b"", CALL_TIMEOUT_SECONDS)
    finally:
        if connection.transport is not None:
            connection.transport.close()
    return decode_payload(answer, ClusterView)


def founding_voters(identity: Identity) -> tuple[NodeId, ...]:
    """Return the voters that the node is told of: the founders, to one of them."""
    if not identity.is_founder:
        return ()
    return tuple(sorted(founder.member_id for founder in identity.founders))
