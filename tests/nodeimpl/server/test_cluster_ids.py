"""Ids are etcd's own: the same flags give the same ids (etcd, membership/member.go)."""

import pytest

from nodeimpl.ids import NodeId
from nodeimpl.server.cluster_ids import (
    cluster_id,
    founders_ids,
    member_id,
    parse_initial_cluster,
)
from nodeimpl.server.flag_text import FlagError


def test_the_ids_of_etcd_s_default_cluster_are_the_well_known_ones() -> None:
    member = member_id(["http://localhost:2380"], "etcd-cluster")
    assert f"{member:x}" == "8e9e05c52164694d"
    assert f"{cluster_id([member]):x}" == "cdf818194e3a8c32"


def test_the_order_of_urls_and_members_does_not_matter() -> None:
    urls = ["http://a:1", "http://b:1"]
    assert member_id(urls, "t") == member_id(reversed(urls), "t")
    assert cluster_id([NodeId(1), NodeId(2)]) == cluster_id([NodeId(2), NodeId(1)])


def test_the_token_and_the_time_of_adding_tell_members_apart() -> None:
    urls = ["http://a:1"]
    ids = [member_id(urls, "t"), member_id(urls, "u"), member_id(urls, "t", added_at=1)]
    assert len(set(ids)) == len(ids)


def test_founders_are_read_with_all_their_urls() -> None:
    founders = parse_initial_cluster("n1=http://a:1,n2=http://b:1,n1=http://a:2")
    assert {name: [str(url) for url in urls] for name, urls in founders.items()} == {
        "n1": ["http://a:1", "http://a:2"],
        "n2": ["http://b:1"],
    }


@pytest.mark.parametrize("text", ["n1", "=http://a:1", "n1=a:1", ""])
def test_what_names_no_founders_is_refused(text: str) -> None:
    with pytest.raises(FlagError, match="--initial-cluster"):
        parse_initial_cluster(text)


def test_members_whose_requests_could_be_confused_are_refused() -> None:
    alike = parse_initial_cluster("n1=http://a:118,n2=http://b:5")
    with pytest.raises(FlagError, match="too alike"):
        founders_ids(alike, "t")
    assert len(founders_ids(alike, "u")) == 2
