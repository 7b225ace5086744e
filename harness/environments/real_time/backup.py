"""Saves the store of a real cluster, and lets all its members begin anew with that.

What was acknowledged after a backup is lost when it is restored. So it is made when nothing can be
acknowledged any more, and holds all that was:

1. All members are stopped that a quorum can do without.
2. The leader answers a linearizable read, for which it takes all who are left: none of them knows
   of a later term, so no quorum has elected anybody since (Raft §8; thesis §6.4). And the leader
   has committed an entry of its own term: it knows of everything that was ever committed.
3. All others are stopped. What any of them has carried out, it knew from this leader to be
   committed. To elect another took the leader's own vote, and its term would be another.
4. The leader, alone, can commit nothing more. When it has carried out all that it knows to be
   committed, and its term is still the same, its store holds whatever a client, or a watcher, can
   have been told. It is saved by the API (etcd, Maintenance.Snapshot).
5. It is stopped, too; each member gets a new data directory from the backup, and all are started.

Where a step fails, the members that were stopped are started again, and nothing was changed.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from harness.environments.environment import Restorer
from harness.environments.real_time.convergence import serves
from harness.environments.real_time.monitor import status_of
from harness.environments.real_time.outcome import MemberChange
from harness.environments.real_time.roster import Roster
from harness.errors import CallError
from nemesis.faults.backup import RestoreCluster
from nemesis.surface import Daemons, OperatorAnswer, Roles
from nodeimpl.api.rpc_pb2 import StatusResponse
from nodeimpl.ids import SECOND

_ANSWER_NS: Final = 2 * SECOND
_SAVE_NS: Final = 20 * SECOND

REST_S: Final = 5.0
"""How long the leader may take to carry out what is committed."""

_LOOK_S: Final = 0.02

Result = TypeVar("Result")


def quorum_of(count: int) -> int:
    """Return how many of so many members are a quorum."""
    return count // 2 + 1


class _NotNow(Exception):  # noqa: N818 - no error: the cluster is not in a state for it
    """Nothing can be restored now; the message says why."""


class RealBackup:
    """Offers `nemesis.surface.Backup`. Called from the nemesis' thread; talks in the loop's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        roster: Roster,
        roles: Roles,
        daemons: Daemons,
        restorer: Restorer,
        tell: Callable[[MemberChange], None],
    ) -> None:
        """`tell` is told, in the event loop, of every cluster that was restored."""
        self._loop = loop
        self._roster = roster
        self._founders = roster.names
        self._roles = roles
        self._daemons = daemons
        self._restorer = restorer
        self._tell = tell

    def restore_cluster(self) -> OperatorAnswer:
        """Save the store and restore every member; see the module."""
        nodes = tuple(self._daemons.node_names())
        stopped: list[str] = []
        snapshot = self._restorer.snapshot_path()
        try:
            leader = self._require_leader(nodes)
            followers = [node for node in nodes if node != leader]
            spare = len(nodes) - quorum_of(len(nodes))
            self._stop(followers[:spare], stopped)
            term = self._require_leadership(leader)
            self._stop(followers[spare:], stopped)
            revision = self._save(leader, term, snapshot)
        except (_NotNow, CallError) as error:
            self._start(stopped)
            return OperatorAnswer(f"not restored: {error}", is_taken=False)
        self._daemons.stop(leader)
        members = [self._roster.member(node) for node in nodes]
        with ThreadPoolExecutor(len(nodes)) as pool:
            restoring = [
                pool.submit(self._restorer.restore, node, snapshot, members) for node in nodes
            ]
        for each in restoring:
            each.result()
        self._start(nodes)
        size = snapshot.stat().st_size
        saved = f"saved {size} bytes from {leader} at revision {revision}"
        self._report(saved)
        return OperatorAnswer(f"{saved}, restored {' '.join(nodes)}")

    def _report(self, saved: str) -> None:
        """Let the history know when it was over: a fault without an end is told of as it begins."""
        change = MemberChange(
            do=RestoreCluster.do, asked=saved, outcome="done", reason="all daemons run again"
        )
        self._loop.call_soon_threadsafe(self._tell, change)

    def _stop(self, nodes: Sequence[str], stopped: list[str]) -> None:
        for node in nodes:
            self._daemons.stop(node)
            stopped.append(node)

    def _start(self, nodes: Sequence[str]) -> None:
        for node in nodes:
            self._daemons.start(node)

    def _require_leader(self, nodes: Sequence[str]) -> str:
        """Return who leads, if anything can be restored now at all; raises `_NotNow`."""
        if len(nodes) == 1 or nodes != self._founders or self._roster.names != self._founders:
            raise _NotNow("it takes the founders, and more than one")
        leader = self._roles.leader()
        if leader is None:
            raise _NotNow("nobody leads")
        self._require_leadership(leader)
        return leader

    def _require_leadership(self, leader: str) -> int:
        """Return the term in which `leader` leads a quorum at this moment; raises `_NotNow`."""
        term = self._status(leader).raftTerm
        if not self._wait(serves(self._roster.endpoints[leader])):
            raise _NotNow(f"{leader} does not answer")
        status = self._status(leader)
        if not status_of(status).leads or status.raftTerm != term:
            raise _NotNow(f"{leader} leads no more")
        return term

    def _save(self, leader: str, term: int, path: Path) -> int:
        """Save the store of the leader, which is alone; return its revision. Raises `_NotNow`."""
        until = time.monotonic() + REST_S
        while (status := self._status(leader)).raftAppliedIndex < status.raftIndex:
            if time.monotonic() > until:
                raise _NotNow(f"{leader} does not carry out what is committed")
            time.sleep(_LOOK_S)
        self._wait(self._roster.endpoints[leader].save(path, _SAVE_NS))
        # It has not led in another term meanwhile, so nobody has.
        if self._status(leader).raftTerm != term:
            raise _NotNow(f"{leader} has gone on to another term")
        return status.header.revision

    def _status(self, node: str) -> StatusResponse:
        return self._wait(self._roster.endpoints[node].status(_ANSWER_NS))

    def _wait(self, talk: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(talk, self._loop).result()
