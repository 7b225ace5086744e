"""Quantities that must not be mixed: a term is not an index, an index is not a revision."""

from typing import NewType

NodeId = NewType("NodeId", int)
"""A cluster member, at least 1. 0 never names a node."""

Term = NewType("Term", int)
"""Raft's logical clock (Raft §5.1), at least 0; 0 is before the first election."""

LogIndex = NewType("LogIndex", int)
"""The place of an entry in the replicated log; the first entry has index 1 (Raft Figure 2)."""

Revision = NewType("Revision", int)
"""The store's counter of changes; a new store is at 1, the first write makes 2 (as etcd)."""

LeaseId = NewType("LeaseId", int)
"""A lease; 0 means no lease (as etcd)."""

RequestId = NewType("RequestId", int)
"""A request while one node works on it; unique among all nodes. Those of one node ascend, from one
of its incarnations to the next too."""

Instant = NewType("Instant", int)
"""A reading of one node's monotonic clock, in nanoseconds from an arbitrary origin."""

MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000
