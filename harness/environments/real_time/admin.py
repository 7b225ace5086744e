"""Maintenance as the nemesis asks for it, through the store's own API."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Final, TypeVar

from harness.environments.real_time.endpoint import Endpoint
from harness.errors import CallError
from nodeimpl.api.rpc_pb2 import CompactionRequest, DefragmentRequest
from nodeimpl.ids import SECOND

_PATIENCE_NS: Final = 2 * SECOND
_DEFRAGMENT_NS: Final = 5 * SECOND
"""A node that needs longer does not stop for that; but the nemesis has other things to do."""

Result = TypeVar("Result")


class RealAdmin:
    """Offers `nemesis.surface.Admin`. Called from the nemesis' thread; talks in the loop's."""

    def __init__(self, loop: asyncio.AbstractEventLoop, endpoints: Mapping[str, Endpoint]) -> None:
        self._loop = loop
        self._endpoints = endpoints

    def compact(self, node: str, revisions_kept: int) -> str:
        """Ask a running `node` to compact; return what was asked, and how it was answered.

        A node that does not answer, such as a paused one, is no failure of the nemesis.
        """
        endpoint = self._endpoints[node]
        try:
            revision = self._wait(endpoint.status(_PATIENCE_NS)).header.revision
        except CallError as error:
            return f"{node} was not asked, as it does not tell its revision: {error}"
        target = revision - revisions_kept
        if target < 1:
            return f"{node} was not asked, as it has only {revision} revisions"
        try:
            self._wait(endpoint.call(CompactionRequest(revision=target), _PATIENCE_NS))
        except CallError as error:
            return f"asked to compact to revision {target}: {error}"
        return f"asked to compact to revision {target}: done"

    def defragment(self, node: str) -> str:
        """Ask a running `node` to defragment its store; return how it was answered."""
        asking = self._endpoints[node].call(DefragmentRequest(), _DEFRAGMENT_NS)
        began_ns = time.monotonic_ns()
        try:
            self._wait(asking)
        except CallError as error:
            return f"asked to defragment: {error}"
        return f"asked to defragment: done after {(time.monotonic_ns() - began_ns) / 1e6:.0f} ms"

    def _wait(self, talk: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(talk, self._loop).result()
