"""A system whose daemons only sleep, to be started, paused and killed without any store."""

import sys
from collections.abc import Mapping, Sequence

from harness.systems.system import Launch

SLEEP = "import time; print('awake', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
RESTORING = """
import os, shutil, sys
os.mkdir(sys.argv[1])
if os.path.getsize(sys.argv[2]) == 0: sys.exit("an empty backup")
shutil.copy(sys.argv[2], sys.argv[1] + "/store")
"""
"""Makes a data directory of a backup, or says that it is none."""

DYING = "import sys; sys.exit('no such disk')"


class Sleeper:
    """See the module; `script` is what each daemon runs."""

    def __init__(self, script: str = SLEEP) -> None:
        self._script = script

    @property
    def name(self) -> str:
        return "sleeper"

    @property
    def version(self) -> str:
        return "1"

    def command(self, launch: Launch) -> Sequence[str]:
        return (sys.executable, "-c", self._script, launch.member.name)

    def restore_command(self, launch: Launch, snapshot: str) -> Sequence[str]:
        return (sys.executable, "-c", RESTORING, launch.data_directory, snapshot)

    @property
    def speaks_etcds_peer_protocol(self) -> bool:
        return False

    def variables(self) -> Mapping[str, str]:
        return {"SLEEPER": "yes"}
