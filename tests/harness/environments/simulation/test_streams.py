"""Chance: named streams that know nothing of one another."""

from harness.environments.simulation.streams import Streams


def draws(streams: Streams, name: str) -> list[float]:
    random = streams.named(name)
    return [random.random() for _ in range(5)]


def test_equal_seeds_and_names_draw_the_same() -> None:
    assert draws(Streams(7), "disk/n1") == draws(Streams(7), "disk/n1")


def test_other_names_and_other_seeds_draw_otherwise() -> None:
    assert draws(Streams(7), "disk/n1") != draws(Streams(7), "disk/n2")
    assert draws(Streams(7), "disk/n1") != draws(Streams(8), "disk/n1")


def test_a_stream_goes_on_where_it_was_left() -> None:
    asked_twice = Streams(7)
    asked_once = Streams(7).named("rove")
    assert asked_twice.named("rove").random() == asked_once.random()
    assert asked_twice.named("rove").random() == asked_once.random()


def test_drawing_from_one_stream_leaves_the_others_alone() -> None:
    disturbed, undisturbed = Streams(7), Streams(7)
    draws(disturbed, "network/n1>n2")
    assert draws(disturbed, "network/n2>n1") == draws(undisturbed, "network/n2>n1")


def test_a_stream_is_the_same_in_every_process_and_on_every_version() -> None:
    assert Streams(7).named("disk/n1").random() == 0.5380601632237306
