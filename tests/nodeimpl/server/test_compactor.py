"""Automatic compaction (etcd, op-guide: maintenance)."""

from nodeimpl.ids import SECOND, Instant, Revision
from nodeimpl.server.compactor import (
    PeriodicCompactor,
    RevisionCompactor,
    make_compactor,
)
from nodeimpl.server.flags import AutoCompaction


def test_so_many_revisions_are_kept() -> None:
    compactor = RevisionCompactor(100)
    assert compactor.look(Instant(0), Revision(100)) is None
    assert compactor.look(Instant(0), Revision(150)) == 50
    compactor.compacted(Revision(50))
    assert compactor.look(Instant(0), Revision(150)) is None
    assert compactor.look(Instant(0), Revision(151)) == 51


def test_what_was_there_a_period_ago_goes() -> None:
    compactor = PeriodicCompactor(100 * SECOND)
    assert compactor.interval_ns == 10 * SECOND
    found = [compactor.look(Instant(t * 10 * SECOND), Revision(2 + t)) for t in range(13)]
    assert found == [None] * 10 + [2, 3, 4]


def test_a_long_period_is_looked_at_every_six_minutes() -> None:
    assert PeriodicCompactor(48 * 3600 * SECOND).interval_ns == 360 * SECOND


def test_a_revision_is_compacted_once() -> None:
    compactor = PeriodicCompactor(10 * SECOND)
    compactor.look(Instant(0), Revision(7))
    assert compactor.look(Instant(10 * SECOND), Revision(7)) == 7
    compactor.compacted(Revision(7))
    assert compactor.look(Instant(20 * SECOND), Revision(7)) is None


def test_a_new_leader_knows_no_past() -> None:
    compactor = PeriodicCompactor(10 * SECOND)
    compactor.look(Instant(0), Revision(7))
    compactor.reset()
    assert compactor.look(Instant(10 * SECOND), Revision(9)) is None


def test_retention_of_0_keeps_everything() -> None:
    for mode in ("periodic", "revision"):
        flags = AutoCompaction(mode=mode, retention_ns=0, retention_revisions=0)
        assert make_compactor(flags) is None


def test_the_flags_choose_the_compactor() -> None:
    periodic = AutoCompaction(mode="periodic", retention_ns=SECOND, retention_revisions=0)
    revision = AutoCompaction(mode="revision", retention_ns=0, retention_revisions=5)
    assert isinstance(make_compactor(periodic), PeriodicCompactor)
    assert isinstance(make_compactor(revision), RevisionCompactor)
