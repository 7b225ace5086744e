"""A process that outlives the harness by a moment, to remove the containers it leaves behind.

    python -m harness.environments.containers.guard CLUSTER [CONTAINER...]

As `harness.environments.hosts.guard`, which ends the processes. The containers named are others',
and are left running.
"""

import sys

from harness.environments.containers.engine import engine, remove_cluster, revive
from harness.environments.hosts.guard import end_all, harness_was_killed

if __name__ == "__main__":
    if harness_was_killed():
        cluster, *names = sys.argv[1:]
        end_all(cluster)
        remove_cluster(engine(), cluster)
        revive(engine(), names)
