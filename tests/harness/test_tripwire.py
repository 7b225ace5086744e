"""The tripwire: real time and chance stop a simulation, and nothing else is disturbed."""

import random
import time
import uuid
from random import Random

import pytest

from harness.tripwire import TripwireError, armed


def test_asking_for_the_time_stops_simulated_code() -> None:
    with armed(), pytest.raises(TripwireError, match=r"time\.monotonic"):
        time.monotonic()


def test_asking_for_unseeded_chance_stops_simulated_code() -> None:
    with armed(), pytest.raises(TripwireError, match=r"random\.random"):
        random.random()
    with armed(), pytest.raises(TripwireError, match=r"uuid\.uuid4"):
        uuid.uuid4()


def test_a_seeded_stream_passes() -> None:
    with armed():
        drawn = Random("7/network").random()

    assert drawn == Random("7/network").random()


def test_code_that_is_not_simulated_gets_what_it_asks_for() -> None:
    namespace: dict[str, object] = {"__name__": "somebody.else", "time": time}

    with armed():
        exec("now = time.monotonic()", namespace)  # noqa: S102 - a caller of another package

    assert isinstance(namespace["now"], float)


def test_all_is_as_it_was_afterwards() -> None:
    before = time.monotonic

    with armed():
        pass

    assert time.monotonic is before
