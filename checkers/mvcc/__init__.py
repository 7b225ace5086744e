"""What every single answer of etcd promises about revisions, one small check for each promise."""

from checkers.mvcc.checker import INVARIANTS, Invariant, MvccChecker, mvcc_invariants

__all__ = ["INVARIANTS", "Invariant", "MvccChecker", "mvcc_invariants"]
