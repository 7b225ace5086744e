"""Streams between etcd's peers come apart into the messages that went in."""

from hypothesis import given
from hypothesis import strategies as st

from harness.environments.peer_proxy.messages import (
    LINK_HEARTBEAT,
    AppendStream,
    Framed,
    MessageStream,
    kind_of,
)
from tests.checkers.raft.wire import number
from tests.harness.environments.peer_proxy.raft_messages import (
    APPEND_REPLY,
    HEARTBEAT,
    HEARTBEAT_REPLY,
    READ_INDEX,
    RECEIVER,
    SENDER,
    Append,
    append_message,
    message,
    on_append_stream,
    on_message_stream,
)

LINK = bytes([0])


def test_messages_are_named_as_in_the_paper() -> None:
    assert kind_of(message(APPEND_REPLY)) == "AppendEntriesReply"
    assert kind_of(message(READ_INDEX)) == "ReadIndex"
    assert kind_of(message(HEARTBEAT_REPLY)) == "HeartbeatReply"


def test_a_heartbeat_with_a_context_confirms_reads() -> None:
    assert kind_of(message(HEARTBEAT, b"round")) == "ReadRound"
    assert kind_of(message(HEARTBEAT_REPLY, b"round")) == "ReadRoundReply"


def test_what_keeps_a_stream_alive_is_no_message() -> None:
    from_nobody = number(1, HEARTBEAT) + number(2, 0) + number(3, 0)

    assert kind_of(from_nobody) == LINK_HEARTBEAT
    assert [each.kind for each in AppendStream(1, 2).feed(LINK + LINK)] == [LINK_HEARTBEAT] * 2


@given(
    st.lists(st.sampled_from([APPEND_REPLY, HEARTBEAT, READ_INDEX]), max_size=6),
    st.integers(1, 40),
)
def test_messages_come_whole_however_the_stream_is_cut(kinds: list[int], size: int) -> None:
    sent = [on_message_stream(message(kind, b"c" * kind)) for kind in kinds]

    assert [each.frame for each in fed(MessageStream(), b"".join(sent), size)] == sent


APPENDS = st.lists(
    st.tuples(st.booleans(), st.lists(st.binary(max_size=9), max_size=3), st.integers(0, 300)),
    max_size=8,
)


@given(APPENDS, st.integers(1, 50))
def test_every_append_comes_out_with_its_index_and_term(
    drawn: list[tuple[bool, list[bytes], int]], size: int
) -> None:
    appends: list[Append] = []
    term, index = 5, 100
    for is_new_term, entries, commit in drawn:
        appends.append(Append(term + is_new_term, term, index, entries, commit))
        term, index = term + is_new_term, index + len(entries)
    stream = b"".join(on_append_stream(appends))

    framed = fed(AppendStream(SENDER, RECEIVER), stream, size)

    assert [each.frame[9:] for each in framed] == [append_message(each) for each in appends]
    assert {each.frame[0] for each in framed} <= {2}
    assert {each.kind for each in framed} <= {"AppendEntries"}


def test_an_append_that_goes_on_was_shorter_on_the_stream() -> None:
    first, second = Append(5, 5, 9, [b"x"], 9), Append(5, 5, 10, [b"y"], 10)
    stream = on_append_stream([first, second])

    framed = list(AppendStream(SENDER, RECEIVER).feed(b"".join(stream)))

    assert stream[1][0] == 1
    assert framed[1].frame[9:] == append_message(second)


def fed(decoder: MessageStream | AppendStream, stream: bytes, size: int) -> list[Framed]:
    """Feed the stream in pieces."""
    pieces = [stream[place : place + size] for place in range(0, len(stream), size)]
    return [framed for piece in pieces for framed in decoder.feed(piece)]
