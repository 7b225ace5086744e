"""The streams of watches of one daemon."""

import pytest

from harness.environments.simulation.oracle import Breach
from harness.environments.simulation.watch_streams import WatchStreams
from nodeimpl.api.rpc_pb2 import WatchRequest, WatchResponse
from nodeimpl.boundary import (
    CloseWatchStream,
    OpenWatchStream,
    WatchInput,
    WatchStreamDrained,
    WatchStreamRequest,
)

EVENTS = WatchResponse(watch_id=3)


class Told:
    """Streams, what the daemon was given, and what their clients got."""

    def __init__(self) -> None:
        self.given: list[WatchInput] = []
        self.got: list[object] = []
        self.streams = WatchStreams("n1", self.given.append)

    def open(self) -> int:
        return self.streams.open(50, self.got.append, lambda: self.got.append("lost"))


@pytest.fixture
def told() -> Told:
    return Told()


def test_what_clients_do_is_given_to_the_daemon(told: Told) -> None:
    stream = told.open()
    told.streams.ask(stream, WatchRequest())
    told.streams.drained(stream, 7)
    told.streams.close(stream)
    assert told.given == [
        OpenWatchStream(1, 50),
        WatchStreamRequest(1, WatchRequest()),
        WatchStreamDrained(1, 7),
        CloseWatchStream(1),
    ]


def test_responses_reach_their_own_client(told: Told) -> None:
    stream = told.open()
    told.streams.respond(stream, EVENTS)
    assert told.got == [EVENTS]


def test_a_client_that_has_gone_gets_nothing_more(told: Told) -> None:
    stream = told.open()
    told.streams.close(stream)
    told.streams.respond(stream, EVENTS)
    told.streams.close(stream)
    assert told.got == []
    assert told.given[1:] == [CloseWatchStream(1)]


def test_a_daemon_that_dies_takes_its_streams_along(told: Told) -> None:
    stream = told.open()
    for lost in told.streams.lose_all():
        lost()
    told.streams.ask(stream, WatchRequest())
    told.streams.drained(stream, 7)
    told.streams.close(stream)
    assert told.got == ["lost"]
    assert told.given == [OpenWatchStream(1, 50)]


def test_numbers_are_never_used_again(told: Told) -> None:
    first = told.open()
    told.streams.lose_all()
    assert told.open() == first + 1


def test_an_answer_on_a_stream_nobody_opened_is_a_breach(told: Told) -> None:
    with pytest.raises(Breach, match="n1 answers on stream 1, which nobody opened"):
        told.streams.respond(1, EVENTS)
