"""Maintenance as the nemesis asks for it, through the store's own API."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Final, TypeVar

from harness.environments.real_time.endpoint import Endpoint
from harness.errors import CallError
from nodeimpl.api.rpc_pb2 import CompactionRequest
from nodeimpl.ids import SECOND

_PATIENCE_NS: Final = 2 * SECOND

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

    def _wait(self, talk: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(talk, self._loop).result()
