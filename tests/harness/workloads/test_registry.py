"""Workloads by name."""

import pytest

from harness.errors import UsageError
from harness.workloads.registry import workload_named, workload_names


def test_every_name_is_known_and_explained() -> None:
    names = workload_names()

    assert names == ("append", "kv", "register", "watch")
    assert [workload_named(name).name for name in names] == list(names)
    assert all(workload_named(name).summary for name in names)


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown workload 'registre'; did you mean 'register'"):
        workload_named("registre")
