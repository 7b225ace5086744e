"""Planted bugs in compaction (etcd, data model: compaction)."""

from harness.environments.simulation.mutants.mutant import Mutant, patch
from nodeimpl.ids import Revision
from nodeimpl.mvcc.backend import Backend
from nodeimpl.mvcc.key_index import Generation
from nodeimpl.mvcc.rows import ChangeId, CompactionMark, write_compaction_mark


def _kept_from_next(generation: Generation, at: Revision) -> ChangeId:
    """Let a compaction forget the change that holds at its revision, too."""
    del generation
    return Revision(at + 1), 0


def _write_no_mark(backend: Backend, mark: CompactionMark) -> None:
    del backend, mark


MUTANTS = (
    Mutant(
        name="compaction-forgets-what-holds",
        breaks="etcd data_model: reads at the compacted revision answer as before; the change that "
        "holds there is kept",
        patches=(patch(Generation.kept_from, _kept_from_next),),
    ),
    Mutant(
        name="compaction-not-remembered",
        workloads=("mixed",),
        breaks="etcd data_model: revisions before the compaction cannot be read again; a node that "
        "forgets it over a restart answers from what rows are left",
        patches=(patch(write_compaction_mark, _write_no_mark),),
    ),
)
