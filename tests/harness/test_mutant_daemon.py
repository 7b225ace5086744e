"""A daemon with a planted bug takes the flags of the healthy one."""

from collections.abc import Sequence

import pytest

from harness.errors import UsageError
from harness.mutant_daemon import run
from nodeimpl.node import Node


def test_it_takes_the_flags_of_a_node(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["read-before-applied", "--version"])

    assert code == 0
    assert capsys.readouterr().out.startswith("etcd Version: ")


def test_the_bug_is_in_the_node_that_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def main(flags: Sequence[str], node_class: type[Node]) -> int:
        ran.extend([node_class.__name__, *flags])
        return 7

    monkeypatch.setattr("harness.mutant_daemon.main", main)

    code = run(["read-before-applied", "--name=n1"])

    assert code == 7
    assert ran == ["_ReadBeforeApplied", "--name=n1"]


def test_a_bug_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UsageError, match="no mutant 'figure-9'"):
        run(["figure-9"])
