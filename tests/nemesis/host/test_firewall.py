"""Rules of iptables for impairments, and the counts that the kernel keeps of them."""

import pytest

from nemesis.host.firewall import Counted, read_counts, rules
from nemesis.host.impairment import Impairment
from nemesis.host.request import HostError, Request

CUT = Impairment(is_cut=True)
SLOW = Impairment(delay_ns=5, jitter_ns=2, loss=0.5)


def test_without_impairments_the_chain_is_empty() -> None:
    assert rules({}) == "*filter\n:QUORATE - [0:0]\nCOMMIT\n"


def test_a_cut_sender_is_dropped_and_a_slow_one_queued_but_not_our_own_copies() -> None:
    assert rules({"10.0.0.2": SLOW, "10.0.0.1": CUT}).splitlines()[2:-1] == [
        "-A QUORATE -m mark --mark 113 -j ACCEPT",
        "-A QUORATE -s 10.0.0.1 -j DROP",
        "-A QUORATE -s 10.0.0.2 -j NFQUEUE --queue-num 0 --queue-bypass",
    ]


def test_a_cut_counts_more_than_whatever_else_is_wrong_with_a_link() -> None:
    both = Impairment(is_cut=True, delay_ns=5)

    assert not both.is_queued
    assert "NFQUEUE" not in rules({"10.0.0.1": both})


def test_counts_are_read_of_our_rules_alone() -> None:
    saved = """*filter
:INPUT ACCEPT [5:300]
:QUORATE - [0:0]
[12:900] -A INPUT -j QUORATE
[3:180] -A QUORATE -m mark --mark 0x71 -j ACCEPT
[7:420] -A QUORATE -s 10.0.0.1/32 -j DROP
[2:120] -A QUORATE -s 10.0.0.2/32 -j NFQUEUE --queue-num 0 --queue-bypass
[9:120] -A OTHER -s 10.0.0.3/32 -j DROP
COMMIT
"""
    assert read_counts(saved) == [
        Counted("10.0.0.1", 7, is_drop=True),
        Counted("10.0.0.2", 2, is_drop=False),
    ]


@pytest.mark.parametrize("impairment", [CUT, SLOW, Impairment(reorder=0.1, window_ns=9)])
def test_an_impairment_is_read_as_it_was_written(impairment: Impairment) -> None:
    assert Impairment.read(Request(impairment.value())) == impairment


def test_a_missing_field_is_told() -> None:
    with pytest.raises(HostError, match="loss: a number is missing"):
        Impairment.read(Request({"is_cut": False}))
