"""Members that come and go because an operator asks for it, on a cluster that pretends."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from harness.environments.environment import Death
from harness.environments.real_time import operator
from harness.environments.real_time.endpoint import Endpoint
from harness.environments.real_time.excuses import Excuses
from harness.environments.real_time.members import MemberChanges
from harness.environments.real_time.monitor import Monitor
from harness.environments.real_time.operator import Crew, Operator
from harness.environments.real_time.outcome import MemberChange
from harness.environments.real_time.roster import Roster
from nodeimpl.api.errors import (
    LEARNER_NOT_READY,
    MEMBER_NOT_FOUND,
    PEER_URL_EXISTS,
    REQUEST_TIMED_OUT,
    UNHEALTHY,
)
from tests.harness.environments.real_time.fake_cluster import (
    FakeCluster,
    FakeDaemons,
    FakeMachines,
)

LONG_S = 10.0
"""Longer than anything here takes."""


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "RETRY_S", 0.01)
    monkeypatch.setattr(operator, "PATIENCE_S", 0.2)


async def until(holds: Callable[[], bool]) -> None:
    deadline = asyncio.get_running_loop().time() + LONG_S
    while not holds():
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.005)


class Site:
    """A cluster and its operator; `changes` is what the nemesis talks to."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.machines = FakeMachines(cluster)
        self.told: list[MemberChange] = []
        self.deaths: list[Death] = []
        endpoints = {each.name: Endpoint(each.client_address) for each in cluster.members}
        self.founders = endpoints
        self.monitor = Monitor(endpoints, lambda _: None)
        self.moves: list[tuple[str, str]] = []
        self.roster = Roster(
            cluster.members, endpoints, lambda founder, to: self.moves.append((founder, to))
        )
        self.excuses = Excuses(lambda: self.deaths)
        crew = Crew(
            roster=self.roster,
            monitor=self.monitor,
            machines=self.machines,
            daemons=FakeDaemons(cluster),
            excuses=self.excuses,
            in_turn=self._in_turn,
            ready_s=0.2,
            tell=self.told.append,
        )
        self.operator = Operator(asyncio.get_running_loop(), crew)
        self.changes = MemberChanges(self.roster, self.machines, self.operator)

    async def _in_turn(self, work: Callable[[], None]) -> None:
        work()

    async def settle(self) -> None:
        """Wait until the operator has done all that he was asked for."""
        await until(lambda: not self.operator.is_busy)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        return [(change.do, change.outcome) for change in self.told]


def on_three(story: Callable[[Site], Awaitable[None]]) -> Site:
    """Let `story` happen on a cluster of three that is looked at, with an operator at work."""

    async def tell() -> Site:
        with FakeCluster("n1", "n2", "n3") as cluster:
            site = Site(cluster)
            await site.monitor.look_at_all()
            tasks = [
                asyncio.create_task(site.monitor.run()),
                asyncio.create_task(site.operator.run()),
            ]
            await story(site)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await site.roster.close()
            for endpoint in site.founders.values():
                await endpoint.close()
            return site

    return asyncio.run(tell())


def test_a_new_node_joins_as_a_learner_is_told_of_all_members_and_gets_a_vote() -> None:
    async def story(site: Site) -> None:
        assert site.changes.grow().words == "n4 is to join"
        await site.settle()

    site = on_three(story)
    assert site.machines.launched == [("n4", ["n1", "n2", "n3", "n4"])]
    assert site.cluster.listing.learners["n4"] is False
    assert list(site.roster.voters()) == ["n1", "n2", "n3", "n4"]
    assert site.told == [
        MemberChange(do="grow", asked="n4 is to join", outcome="done", reason="n4 votes")
    ]


def test_what_is_refused_is_asked_again_and_the_refusals_are_told() -> None:
    async def story(site: Site) -> None:
        listing = site.cluster.listing
        listing.refusals["MemberPromoteRequest"] = [LEARNER_NOT_READY, LEARNER_NOT_READY, UNHEALTHY]
        site.changes.grow()
        await until(lambda: len(listing.refusals["MemberPromoteRequest"]) == 1)
        listing.refusals.clear()
        await site.settle()

    site = on_three(story)
    assert site.outcomes == [("grow", "done")]
    assert site.told[0].reason.startswith("promoting n4 took more than ")
    assert site.cluster.listing.learners["n4"] is False


def test_a_change_that_is_refused_to_the_end_is_not_done_and_nothing_is_left_of_it() -> None:
    async def story(site: Site) -> None:
        site.cluster.listing.refusals["MemberAddRequest"] = [UNHEALTHY]
        site.changes.grow()
        await site.settle()

    site = on_three(story)
    assert site.outcomes == [("grow", "not done")]
    assert site.told[0].reason.endswith("UNAVAILABLE: etcdserver: unhealthy cluster")
    assert site.machines.launched == []
    assert site.roster.names == ("n1", "n2", "n3")


def test_a_learner_that_gets_no_vote_is_removed_again() -> None:
    async def story(site: Site) -> None:
        site.cluster.listing.refusals["MemberPromoteRequest"] = [LEARNER_NOT_READY]
        site.changes.grow()
        await site.settle()
        await site.operator.end_changes()

    site = on_three(story)
    assert site.outcomes == [("grow", "not done")]
    assert "in sync with leader" in site.told[0].reason
    assert "n4" not in site.cluster.listing.learners
    assert site.roster.names == ("n1", "n2", "n3")
    assert site.machines.switched_off == ["n4"]


def test_a_node_that_does_not_serve_is_removed_again() -> None:
    async def story(site: Site) -> None:
        site.machines.stays_mute = True
        site.changes.grow()
        await site.settle()

    site = on_three(story)
    assert site.told[0].reason == "n4 did not serve within 0.2 s"
    assert "n4" not in site.cluster.listing.learners


def test_an_answer_that_was_lost_is_no_reason_to_add_a_member_twice() -> None:
    async def story(site: Site) -> None:
        site.cluster.listing.learners["n4"] = True
        site.cluster.listing.refusals["MemberAddRequest"] = [REQUEST_TIMED_OUT, PEER_URL_EXISTS]
        site.changes.grow()
        await site.settle()

    assert on_three(story).outcomes == [("grow", "done")]


def test_a_removed_node_runs_on_until_the_load_is_over_and_its_clients_go_elsewhere() -> None:
    async def story(site: Site) -> None:
        site.changes.shrink("n2")
        await site.settle()
        assert site.cluster.is_serving("n2")
        assert site.roster.clients["n2"] is site.founders["n3"]
        assert site.moves == [("n2", "n3")]
        assert site.roster.addresses["n2"] == site.cluster.member("n3").client_address
        assert site.monitor.statuses.keys() == {"n1", "n3"}
        await site.operator.end_changes()

    site = on_three(story)
    assert site.outcomes == [("shrink", "done")]
    assert site.machines.switched_off == ["n2"]


def test_who_is_replaced_leaves_when_the_new_node_votes() -> None:
    async def story(site: Site) -> None:
        site.changes.replace("n1")
        await site.settle()

    site = on_three(story)
    assert site.told[0].reason == "n4 votes; n1 is no member"
    assert list(site.cluster.listing.learners) == ["n2", "n3", "n4"]


def test_when_the_load_is_over_no_change_is_begun_and_refused_ones_are_given_up() -> None:
    async def story(site: Site) -> None:
        site.cluster.listing.refusals["MemberRemoveRequest"] = [UNHEALTHY]
        site.changes.shrink("n2")
        site.changes.grow()
        await asyncio.sleep(0.02)
        await site.operator.end_changes()
        await site.settle()

    site = on_three(story)
    assert site.outcomes == [("grow", "not done"), ("shrink", "not done")]
    assert site.told[0].reason == "the load was over before its turn came"
    assert site.roster.names == ("n1", "n2", "n3")


def test_a_removal_that_was_never_answered_is_found_in_the_list_of_members() -> None:
    async def story(site: Site) -> None:
        site.cluster.listing.refusals["MemberRemoveRequest"] = [REQUEST_TIMED_OUT]
        site.changes.shrink("n3")
        await site.settle()
        assert site.roster.names == ("n1", "n2", "n3")
        del site.cluster.listing.learners["n3"]
        assert await site.operator.disagreement() is None

    assert on_three(story).roster.names == ("n1", "n2")


def test_whoever_should_be_no_member_is_removed_in_the_end() -> None:
    async def story(site: Site) -> None:
        site.cluster.listing.refusals["MemberAddRequest"] = [REQUEST_TIMED_OUT]
        site.changes.grow()
        await site.settle()
        site.cluster.listing.learners["n4"] = True
        assert await site.operator.disagreement() == "n4 should be no member"
        await site.settle()
        assert await site.operator.disagreement() is None

    assert "n4" not in on_three(story).cluster.listing.learners


def test_a_removal_may_end_a_daemon_in_order_and_a_refused_one_may_not() -> None:
    async def story(site: Site) -> None:
        site.changes.shrink("n2")
        await site.settle()
        site.cluster.listing.refusals["MemberRemoveRequest"] = [UNHEALTHY]
        site.changes.shrink("n3")
        await site.settle()
        site.deaths += [
            Death(node="n2", how="exit code 0", last_words="I was removed"),
            Death(node="n2", how="exit code 2", last_words="panic"),
            Death(node="n3", how="exit code 0", last_words="for no reason"),
        ]

    unexcused = [death.last_words for death in on_three(story).excuses.unexcused()]
    assert unexcused == ["panic", "for no reason"]


def test_a_small_cluster_does_not_shrink_and_a_large_one_does_not_grow() -> None:
    async def story(site: Site) -> None:
        site.cluster.listing.refusals["MemberRemoveRequest"] = [MEMBER_NOT_FOUND]
        site.changes.shrink("n3")
        await site.settle()
        refused = site.changes.shrink("n2")
        assert (refused.words, refused.is_taken) == ("the cluster has 2 nodes only", False)
        for _ in range(3):
            assert site.changes.grow().is_taken
            await site.settle()
        refused = site.changes.grow()
        assert (refused.words, refused.is_taken) == ("the cluster has 5 nodes already", False)

    on_three(story)


def test_an_operator_with_too_much_to_do_takes_no_more() -> None:
    async def story(site: Site) -> None:
        taken = [site.changes.replace("n1").is_taken for _ in range(5)]
        assert taken == [True, True, True, True, False]

    on_three(story)
