"""What each environment can break, as far as it does not depend on the machine."""

import pytest

from harness.environments import catalog
from harness.environments.catalog import all_packages
from harness.environments.containers import doors
from harness.environments.local import namespaces
from nemesis.packages import Package


@pytest.fixture(autouse=True)
def _machine_that_can_do_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("clock_obstacle", "disk_obstacle", "pressure_obstacle"):
        monkeypatch.setattr(catalog, name, lambda: None)
    for module in (namespaces, doors):
        monkeypatch.setattr(module, "obstacle", lambda: None)


def test_logs_can_rot_where_the_harness_can_read_them() -> None:
    can_rot = [each for each in ("local", "docker", "ssh") if Package.BITROT in all_packages(each)]

    assert can_rot == ["local"]


def test_a_quota_can_be_exhausted_of_daemons_that_are_started_for_it() -> None:
    assert Package.QUOTA in all_packages("docker")
    assert Package.QUOTA not in all_packages("docker", attach=True)
    assert set(all_packages("docker", attach=True)) < set(all_packages("docker"))
