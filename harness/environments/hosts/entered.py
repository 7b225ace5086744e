"""What every environment of real hosts does alike when it is entered and left."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from harness.environments.environment import Death
from harness.environments.hosts.daemons import HostDaemons
from harness.errors import HarnessError
from harness.systems.system import Member
from nemesis.surface import SurfaceError


class EnteredEnvironment(ABC):
    """Half of an `Environment`: whatever goes wrong on the way in is undone."""

    def __init__(self) -> None:
        self._members: tuple[Member, ...] = ()
        self._daemons = HostDaemons(())

    @abstractmethod
    def _prepare(self) -> None:
        """Take what the cluster needs; find its members and daemons."""

    @abstractmethod
    def _leave(self) -> None:
        """End every daemon and give everything back, however far `_prepare` came."""

    def __enter__(self) -> Self:
        """See `Environment`."""
        try:
            self._prepare()
        except SurfaceError as error:
            self._leave()
            raise HarnessError(str(error)) from error
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """See `Environment`."""
        self._leave()

    @property
    def members(self) -> Sequence[Member]:
        """See `Environment`."""
        return self._members

    def deaths(self) -> Sequence[Death]:
        """See `Environment`."""
        return self._daemons.deaths()
