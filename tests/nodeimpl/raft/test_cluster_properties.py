"""Raft's properties (Raft Figure 3) in a cluster with every kind of bad luck.

Hypothesis, or a seed, decides what happens next; the cluster's oracle and the invariants of each
node judge after every step. In the end the luck turns, and the cluster must make progress.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.nodeimpl.raft.chaos import assert_progress, config_of, live, run
from tests.nodeimpl.raft.cluster import Cluster


@settings(max_examples=200)
@given(
    size=st.sampled_from([1, 2, 3, 5]),
    rules=st.integers(0, 3),
    fate=st.binary(max_size=800),
)
def test_properties_hold_whatever_hypothesis_decides(size: int, rules: int, fate: bytes) -> None:
    cluster = Cluster(size, config=config_of(rules))

    run(cluster, fate)

    assert_progress(cluster)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("seed", range(12))
def test_properties_hold_in_a_long_life(seed: int, size: int) -> None:
    live(seed, size)


@pytest.mark.soak
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7])
def test_properties_hold_in_many_long_lives(size: int) -> None:
    for seed in range(100, 2_100):
        live(seed, size)
