"""Who answers, for answers that are not the node's own."""

from nodeimpl.api.rpc_pb2 import ResponseHeader
from nodeimpl.server.driver import Driver


def header(driver: Driver) -> ResponseHeader:
    """Return the header of an answer given now."""
    node = driver.node
    return ResponseHeader(
        cluster_id=node.config.cluster_id,
        member_id=node.config.node_id,
        revision=node.store.revision,
        raft_term=node.raft.current_term,
    )


def cluster_header(driver: Driver) -> ResponseHeader:
    """Return the header of an answer about the cluster, which bears no revision (as etcd)."""
    answer = header(driver)
    answer.revision = 0
    return answer
