"""Workloads by name."""

import pytest

from harness.errors import UsageError
from harness.plan import Plan, WorkloadPlan
from harness.workloads.registry import (
    checkers_for,
    fleet_maker,
    workload_named,
    workload_names,
)


def test_every_name_is_known_and_explained() -> None:
    names = workload_names()

    assert names == (
        "append",
        "auth",
        "elect",
        "kv",
        "lease",
        "lock",
        "mixed",
        "register",
        "set",
        "watch",
    )
    assert [workload_named(name).name for name in names] == list(names)
    assert all(workload_named(name).summary for name in names)


def test_what_watchers_are_told_is_judged_where_somebody_watches() -> None:
    kv, watch = (Plan(workload=WorkloadPlan(name=name)) for name in ("kv", "watch"))
    assert fleet_maker(kv) is None
    assert fleet_maker(watch) is not None
    assert "watch" not in [checker.name for checker in checkers_for(kv, ())]
    names = [checker.name for checker in checkers_for(watch, ())]
    assert names == ["etcd-linearizability", "watch", "mvcc", "stats"]


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown workload 'registre'; did you mean 'register'"):
        workload_named("registre")
