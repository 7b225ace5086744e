"""From a command line to an exit code."""

import asyncio
import gc
import os
import sys
from collections.abc import Sequence
from typing import Final

import structlog
import uvloop

from nodeimpl.node import Node
from nodeimpl.server.bootstrap import JoinError
from nodeimpl.server.corruption import CorruptionFoundError
from nodeimpl.server.daemon import Daemon
from nodeimpl.server.flag_text import FlagError, HelpRequested, unknown_variables
from nodeimpl.server.flags import FLAGS, Flags, help_text, parse_flags
from nodeimpl.server.identity import DataDirError
from nodeimpl.server.logs import configure_logs
from nodeimpl.server.version import API_VERSION, SERVER_VERSION

COLLECTOR_THRESHOLDS: Final = (50_000, 20, 100)
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
"""etcd's, for a command line that it does not understand."""

_log: Final = structlog.stdlib.get_logger("main")


def main(arguments: Sequence[str], node_class: type[Node] = Node) -> int:
    """Run a member as the command line and the environment say; return the exit code.

    `node_class` is the node that it runs.
    """
    try:
        flags = parse_flags(arguments, os.environ)
    except HelpRequested as requested:
        sys.stdout.write(help_text() if requested.topic == "help" else _version_text())
        return 0
    except FlagError as error:
        sys.stderr.write(f"error verifying flags, {error}. See 'python -m nodeimpl --help'.\n")
        return EXIT_USAGE
    configure_logs(flags.log_level, flags.log_format)
    for variable in unknown_variables(FLAGS, os.environ):
        _log.warning("unrecognized environment variable", variable=variable)
    spare_the_collector()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_run(flags, node_class))
    except (FlagError, DataDirError, JoinError, CorruptionFoundError, OSError) as error:
        _log.error("cannot go on", error=str(error))
        return EXIT_FAILED


def spare_the_collector() -> None:
    """Let the collector look rarely, and never at what was there at the start.

    What comes and goes with requests holds no cycles; looking for some stops the node for longer
    the more its store holds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)


async def _run(flags: Flags, node_class: type[Node]) -> int:
    return await Daemon(flags, node_class).run()


def _version_text() -> str:
    return f"etcd Version: {SERVER_VERSION}\nAPI version: {API_VERSION}\n"
