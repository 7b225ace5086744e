"""The links between etcd's peers, broken message by message: `Links` by way of the proxy."""

import subprocess
import sys
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from types import TracebackType
from typing import Final, Self

import msgspec

from harness.environments.peer_proxy.commands import (
    Answer,
    Command,
    Cut,
    Delay,
    Duplicate,
    Hold,
    Lose,
    Release,
    Reorder,
)
from harness.environments.peer_proxy.messages import KINDS
from harness.environments.peer_proxy.proxy import Place
from nemesis.surface import Latency, Link, Reordering, SurfaceError


class ProxiedLinks:
    """Runs the proxy of one cluster as a process; a context manager. For one thread at a time."""

    def __init__(
        self, places: Mapping[str, Place], seed: str, variables: Mapping[str, str]
    ) -> None:
        """Start it; it listens when this returns. Raises `SurfaceError` if it does not.

        `variables` are its whole environment.
        """
        addresses = {node: (place.address, place.target) for node, place in places.items()}
        self._process: Final = subprocess.Popen(  # noqa: S603 - this very program
            [
                sys.executable,
                "-m",
                "harness.environments.peer_proxy",
                msgspec.json.encode(addresses).decode(),
                seed,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(variables),
            start_new_session=True,  # Ctrl-C is the harness' to handle.
        )
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the proxy."""
        self._process.kill()
        self._process.communicate()

    @property
    def knows_messages(self) -> bool:
        """See `Links`."""
        return True

    def cut(self, links: AbstractSet[Link]) -> None:
        """See `Links`."""
        self._carry_out(Cut(sorted(links)))

    def lose(self, probabilities: Mapping[Link, float]) -> None:
        """See `Links`."""
        self._carry_out(Lose(sorted(probabilities.items())))

    def delay(self, latencies: Mapping[Link, Latency]) -> None:
        """See `Links`."""
        self._carry_out(Delay([(link, latencies[link]) for link in sorted(latencies)]))

    def duplicate(self, probabilities: Mapping[Link, float]) -> None:
        """See `Links`."""
        self._carry_out(Duplicate(sorted(probabilities.items())))

    def reorder(self, reorderings: Mapping[Link, Reordering]) -> None:
        """See `Links`."""
        self._carry_out(Reorder([(link, reorderings[link]) for link in sorted(reorderings)]))

    def hold(
        self, name: str, links: AbstractSet[Link], kinds: AbstractSet[str], *, count_max: int
    ) -> None:
        """See `Links`."""
        unknown = sorted(kinds - {*KINDS})
        if unknown:
            raise SurfaceError(
                f"no message of etcd's is called {', '.join(unknown)}; they are {', '.join(KINDS)}"
            )
        self._carry_out(Hold(name, sorted(links), sorted(kinds), count_max))

    def release(self, name: str, *, is_reversed: bool, is_doubled: bool) -> int:
        """See `Links`."""
        return self._carry_out(Release(name, is_reversed, is_doubled))

    def _carry_out(self, command: Command) -> int:
        stdin = self._process.stdin
        assert stdin is not None, "it was asked for"
        try:
            stdin.write(msgspec.json.encode(command) + b"\n")
            stdin.flush()
        except OSError as error:
            raise self._ended() from error
        return self._answer()

    def _answer(self) -> int:
        stdout = self._process.stdout
        assert stdout is not None, "it was asked for"
        line = stdout.readline()
        if not line:
            raise self._ended()
        return msgspec.json.decode(line, type=Answer).count

    def _ended(self) -> SurfaceError:
        """Return the error that tells why the proxy is no more."""
        self._process.kill()
        _, errors = self._process.communicate()
        words = errors.decode(errors="replace").splitlines()
        return SurfaceError(
            f"the proxy between the peers ended: {words[-1] if words else 'silent'}"
        )
