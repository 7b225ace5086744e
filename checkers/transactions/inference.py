"""What either kind of transactions yields: dependencies, anomalies that are no cycles, reasons."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from checkers.transactions.anomalies import Finding
from checkers.transactions.cycles import Step
from checkers.transactions.graph import Dependencies
from checkers.transactions.transactions import Transactions


class Inference(Protocol):
    """What was concluded from a history."""

    @property
    def transactions(self) -> Transactions:
        """The history."""

    @property
    def dependencies(self) -> Dependencies:
        """What must come before what."""

    @property
    def cyclic(self) -> Sequence[int]:
        """The part of the dependencies that every cycle is in; see `graph.cyclic_part`."""

    @property
    def findings(self) -> Sequence[Finding]:
        """Anomalies that are no cycles."""

    @property
    def keys_count(self) -> int:
        """How many keys there are."""

    @property
    def ambiguous(self) -> Sequence[str]:
        """Why some keys tell nothing, a sentence each: the same element was written twice."""

    def because(self, step: Step, names: Mapping[int, str]) -> str:
        """Return the reason for a step by data, with transactions called by their `names`."""
