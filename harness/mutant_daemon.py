"""`python -m harness.mutant_daemon NAME FLAGS...`: our node as a daemon, with a planted bug.

The bug is planted from outside, as in simulation, before the daemon starts; what runs is otherwise
`python -m nodeimpl` with these flags. So checkers can be tried on real processes.
"""

import sys
from collections.abc import Sequence

from harness.environments.simulation.mutants.mutant import planted
from harness.environments.simulation.mutants.registry import mutant_named
from nodeimpl.server.main import main


def run(arguments: Sequence[str]) -> int:
    """Run a member with the bug that the first argument names; return the exit code.

    Raises `UsageError` if there is no such bug.
    """
    name, *flags = arguments
    with planted(mutant_named(name)) as node_class:
        return main(flags, node_class)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
