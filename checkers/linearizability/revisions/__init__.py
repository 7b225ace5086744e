"""Linearizability of histories with revisions, in nearly linear time: etcd tells us the order.

`parsing` reads, `real_time` compares the order of revisions with that of time, `replay` checks
content, `facts`, `gaps` and `search` find what unknown writes must have done, `story` tells what is
wrong, and `checker` puts them together.
"""

from checkers.linearizability.revisions.checker import RevisionsChecker, etcd_linearizable

__all__ = ["RevisionsChecker", "etcd_linearizable"]
