"""What a workload is: what clients do, how it is done, and who judges it."""

from collections.abc import Sequence
from typing import Protocol

from checkers.checker import Checker
from harness.client import Client
from harness.generator.generator import Generator
from harness.plan import Plan


class Workload(Protocol):
    """One kind of trial. Stateless: everything that varies is in the plan."""

    @property
    def name(self) -> str:
        """What a plan calls it."""

    @property
    def summary(self) -> str:
        """One line for `quorate list`."""

    def client(self, plan: Plan) -> Client:
        """Return who carries out the operations."""

    def generator(self, plan: Plan) -> Generator:
        """Return the load, which ends by itself after the plan's time limit."""

    def final_generator(self, plan: Plan, keys: Sequence[str]) -> Generator:
        """Return what is to be read once the faults have ended and the cluster has healed.

        `keys` are those the load was about, in order of first use.
        """

    def checkers(self, plan: Plan) -> Sequence[Checker]:
        """Return who judges the history."""
