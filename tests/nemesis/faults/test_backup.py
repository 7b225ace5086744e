"""Clusters restored from a backup."""

from nemesis.faults.backup import RestoreCluster
from nemesis.faults.pause import Pause
from nemesis.schedule import At
from tests.nemesis.small_schedules import injector, run, three


def test_a_cluster_is_restored_only_when_nothing_else_is_in_force_and_all_run() -> None:
    cluster = three()
    pause = Pause(target="n1", hold_ns=10)
    done = run(injector(cluster, (At(0), pause), (At(5), RestoreCluster())))
    cluster.running["n2"] = False
    down = run(injector(cluster, (At(0), RestoreCluster())))
    cluster.running["n2"] = True
    restored = run(injector(cluster, (At(0), RestoreCluster())))

    assert cluster.calls[-1] == ("restore_cluster",)
    assert [call[0] for call in cluster.calls].count("restore_cluster") == 1
    assert any("fault 1 is in force" in words for words in done)
    assert "n2 does not run" in down[0]
    assert restored[0].endswith("(saved and restored)")
