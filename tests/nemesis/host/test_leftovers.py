"""Whom what is found on a host belongs to."""

import pytest

from nemesis.host import leftovers
from nemesis.host.leftovers import Leftover, Leftovers, clusters_looked_after
from nemesis.host.request import HostError, Request

NOTHING_ELSE = Request({})
PLACE = "/srv/quorate"


def test_a_cluster_is_looked_after_as_long_as_any_of_its_agents_runs() -> None:
    agent = ["python3", "-I", f"{PLACE}/quorate-0a1b-n1/agent.pyz", "door", "quorate-0a1b/n1"]
    doctor = ["python3", "-I", f"{PLACE}/doctor-77.pyz", "leftovers"]
    daemon = [f"{PLACE}/programs/etcd", f"--data-dir={PLACE}/quorate-2222-n1/data"]

    assert clusters_looked_after([agent, doctor, daemon, []]) == {"quorate-0a1b"}


def test_what_is_left_is_told_and_removed_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    found = [Leftover(name, lambda: removed.append("one")) for name in ("a mount", "rules")]
    monkeypatch.setattr(leftovers, "_leftovers", lambda: iter(found))

    assert Leftovers().answer("find", NOTHING_ELSE) == ["a mount", "rules"]
    assert removed == []
    assert Leftovers().answer("heal", NOTHING_ELSE) == ["a mount", "rules"]
    assert removed == ["one", "one"]


def test_nothing_is_removed_for_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_leftovers", lambda: iter(()))

    with pytest.raises(HostError, match="leftovers cannot burn"):
        Leftovers().answer("burn", NOTHING_ELSE)
