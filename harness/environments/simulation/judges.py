"""Who judges one node beside the oracle: its answers to reads, its word on leases, its steps."""

from collections.abc import Sequence

from harness.environments.simulation.lease_promises import LeasePromises
from harness.environments.simulation.pending_reads import PendingReads
from harness.environments.simulation.revision_steps import RevisionSteps
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.boundary import Effect
from nodeimpl.node import Node


class Judges:
    """The judges of one node; each of them raises `Breach`."""

    __slots__ = ("_leases", "_name", "_reads", "_revisions")

    def __init__(self, name: str, leases: LeasePromises) -> None:
        self._name = name
        self._leases = leases
        self._reads = PendingReads(name)
        self._revisions = RevisionSteps(name)

    def asked(self, tag: int, request: ApiRequest, committed_index: int) -> None:
        """Note that a request arrives, when so much had been committed anywhere."""
        self._reads.note(tag, request, committed_index)
        self._leases.asked(self._name, tag, request)

    def handled(self, node: Node, effects: Sequence[Effect]) -> None:
        """Judge what the node asks for, and where its store stands now."""
        if self._reads.floors:
            self._reads.judge(effects, node.applied_index)
        revision = node.store.revision
        if revision != self._revisions.last:
            self._revisions.judge(effects, revision)

    def answered(self, tag: int, body: ApiResponse | ApiError) -> None:
        """Judge an answer as it leaves."""
        self._leases.answered(self._name, tag, body)

    def crashed(self) -> None:
        """Note that the daemon has died: nothing will be answered."""
        self._reads.forget_all()
        self._leases.crashed(self._name)
        self._revisions.forget()
