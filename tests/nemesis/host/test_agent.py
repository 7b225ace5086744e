"""The line between an agent and who tells it what to do."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from nemesis.host import agent
from nemesis.host.request import HostError, Request


class Recorder:
    """A part that notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_closed = False

    def answer(self, what: str, request: Request) -> object:
        self.asked.append(f"{what} {request.text('whom')}")
        return {"done": what}

    def close(self) -> None:
        self.is_closed = True


def serve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lines: bytes
) -> tuple[Recorder, list[object]]:
    part = Recorder()
    monkeypatch.setattr(agent, "part_named", lambda _: part)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(lines)))
    agent.main(["part"])
    return part, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_request_gets_one_answer_and_the_end_of_the_line_undoes_everything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = b'{"do":"break","whom":"n1"}\n{"do":"mend","whom":"n1"}\n'
    part, answers = serve(monkeypatch, capsys, lines)

    assert part.asked == ["break n1", "mend n1"]
    assert answers == [{}, {"ok": {"done": "break"}}, {"ok": {"done": "mend"}}]
    assert part.is_closed


@pytest.mark.parametrize("line", [b"no JSON\n", b"[]\n", b'{"do":"break"}\n', b'{"whom":"n1"}\n'])
def test_a_request_that_does_not_read_is_refused_and_the_next_is_answered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: bytes
) -> None:
    part, answers = serve(monkeypatch, capsys, line + b'{"do":"mend","whom":"n1"}\n')

    assert isinstance(answers[1], dict)
    assert list(answers[1]) == ["error"]
    assert part.asked == ["mend n1"]


def test_an_agent_of_no_such_name_says_so() -> None:
    with pytest.raises(HostError, match="no agent is called 'window'"):
        agent.part_named(["window"])


def test_pairs_are_read_as_pairs_of_whole_numbers_only() -> None:
    assert Request({"bits": [[7, 3], [9, 1]]}).pairs("bits") == [(7, 3), (9, 1)]
    for wrong in ({}, {"bits": 7}, {"bits": [7]}, {"bits": [[7]]}, {"bits": [[7, "3"]]}):
        with pytest.raises(HostError, match="bits: "):
            Request(wrong).pairs("bits")
