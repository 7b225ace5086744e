"""Puts backups in the place of data directories of this machine, by the store's own tool."""

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from harness.errors import HarnessError
from harness.systems.system import Launch, Member, System
from nemesis.surface import SurfaceError

_PATIENCE_S: Final = 60
_BACKUPS: Final = "backups"
"""The folder of a run in which they are kept."""


class LocalRestorer:
    """Offers `Restorer`. Works on directories of which nothing is mounted."""

    def __init__(
        self,
        system: System,
        folder: Path,
        launch: Callable[[Member, Sequence[Member]], Launch],
        variables: Mapping[str, str],
    ) -> None:
        """`folder` is the run's; `launch` tells how a member of some is started."""
        self._system = system
        self._folder = folder / _BACKUPS
        self._launch = launch
        self._variables = variables

    def snapshot_path(self) -> Path:
        """See `Restorer`."""
        self._folder.mkdir(exist_ok=True)
        return self._folder / f"{1 + len(list(self._folder.iterdir()))}.db"

    def restore(self, node: str, snapshot: Path, members: Sequence[Member]) -> None:
        """See `Restorer`. What was there before is removed: tools make a directory or none."""
        [member] = [each for each in members if each.name == node]
        launch = self._launch(member, members)
        shutil.rmtree(launch.data_directory)
        try:
            command = self._system.restore_command(launch, str(snapshot))
            done = subprocess.run(  # noqa: S603 - the tool of the store under test
                list(command),
                env=dict(self._variables),
                capture_output=True,
                text=True,
                timeout=_PATIENCE_S,
                check=False,
            )
        except (HarnessError, OSError, subprocess.TimeoutExpired) as error:
            raise SurfaceError(f"{node} cannot be restored: {error}") from error
        if done.returncode != 0:
            words = (done.stderr or done.stdout).strip().splitlines() or ["it does not say why"]
            raise SurfaceError(f"{node} cannot be restored: {words[-1]}")
