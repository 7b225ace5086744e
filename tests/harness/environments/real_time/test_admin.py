"""Compactions and defragmentations that the nemesis asks for."""

import asyncio

from harness.environments.real_time.admin import RealAdmin
from harness.environments.real_time.endpoint import Endpoint
from nodeimpl.api.errors import ApiError
from nodeimpl.api.rpc_pb2 import PutRequest, RangeRequest
from tests.harness.environments.real_time.fake_cluster import FakeCluster


def asked(cluster: FakeCluster, kept: int, *, is_down: bool = False) -> str:
    """Return what comes of asking the only node to compact."""

    async def ask() -> str:
        async with Endpoint(cluster.members[0].client_address) as endpoint:
            admin = RealAdmin(asyncio.get_running_loop(), {"n1": endpoint})
            if is_down:
                cluster.end("n1")
            return await asyncio.to_thread(admin.compact, "n1", kept)

    return asyncio.run(ask())


def test_all_but_the_revisions_kept_is_compacted() -> None:
    with FakeCluster("n1") as cluster:
        for _ in range(10):
            cluster.store.ask(PutRequest(key=b"k"))

        words = asked(cluster, 3)

        assert words == "asked to compact to revision 8: done"
        assert isinstance(cluster.store.ask(RangeRequest(key=b"k", revision=7)), ApiError)
        assert not isinstance(cluster.store.ask(RangeRequest(key=b"k", revision=8)), ApiError)


def test_a_refusal_is_told() -> None:
    with FakeCluster("n1") as cluster:
        asked(cluster, 0)

        assert "required revision has been compacted" in asked(cluster, 0)


def test_nothing_is_asked_that_goes_back_before_the_beginning() -> None:
    with FakeCluster("n1") as cluster:
        assert asked(cluster, 5) == "n1 was not asked, as it has only 1 revisions"


def test_a_node_that_is_down_is_no_failure() -> None:
    with FakeCluster("n1") as cluster:
        assert "does not tell its revision: connection refused" in asked(cluster, 0, is_down=True)


def test_a_node_is_asked_to_defragment_and_one_that_is_down_is_no_failure() -> None:
    async def ask(cluster: FakeCluster) -> list[str]:
        async with Endpoint(cluster.members[0].client_address) as endpoint:
            admin = RealAdmin(asyncio.get_running_loop(), {"n1": endpoint})
            first = await asyncio.to_thread(admin.defragment, "n1")
            cluster.end("n1")
            return [first, await asyncio.to_thread(admin.defragment, "n1")]

    with FakeCluster("n1") as cluster:
        up, down = asyncio.run(ask(cluster))

        assert up.startswith("asked to defragment: done after")
        assert down in (
            "asked to defragment: connection refused",
            "asked to defragment: connection lost",  # Its farewell had not come yet.
        )
        assert cluster.calls == [("defragment", "n1")]
