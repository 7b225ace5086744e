"""Facts, and the hash over them."""

from nodeimpl.mvcc.facts import ALARMS, LEASES, facts_hash, load_facts
from nodeimpl.storage.memory_backend import MemoryBackend


def test_facts_of_a_kind_come_in_the_order_of_their_names() -> None:
    facts = load_facts(MemoryBackend())
    facts.put(LEASES + b"b", b"2")
    facts.put(LEASES + b"a", b"1")
    facts.put(ALARMS + b"c", b"3")
    assert list(facts.of_kind(LEASES)) == [(b"a", b"1"), (b"b", b"2")]


def test_the_hash_does_not_depend_on_the_order_and_is_found_again() -> None:
    one, other = MemoryBackend(), MemoryBackend()
    first, second = load_facts(one), load_facts(other)
    first.put(b"fx", b"1")
    first.put(b"fy", b"2")
    second.put(b"fy", b"0")
    second.put(b"fz", b"3")
    second.put(b"fx", b"1")
    second.put(b"fy", b"2")
    second.remove(b"fz")
    second.remove(b"fz")
    assert first.hash == second.hash == facts_hash(one) == load_facts(other).hash


def test_the_hash_of_nothing_is_0_and_every_byte_counts() -> None:
    backend = MemoryBackend()
    facts = load_facts(backend)
    assert facts.hash == 0
    hashes = []
    for row, record in ((b"fx", b"1"), (b"fx", b"2"), (b"fy", b"2")):
        facts.put(row, record)
        hashes.append(facts.hash)
    assert len({0, *hashes}) == 4
