"""What is said where no Docker engine answers, and that nothing stays open of the attempt."""

import gc
import socket
from pathlib import Path

import pytest

from harness.environments.containers.engine import containers_left, engine
from harness.errors import HarnessError


@pytest.fixture(params=["no file", "nobody listens"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Point the library to a socket that no engine serves; return the reason it will be told."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    if request.param == "no file":
        return "No such file or directory"
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(path))
    return "Connection refused"


def test_without_an_engine_it_is_said_what_to_do(nowhere: str) -> None:
    with pytest.raises(HarnessError, match=f"apt-get install docker.io, and start .*{nowhere}"):
        engine()


@pytest.mark.usefixtures("nowhere")
def test_no_socket_stays_open_of_a_failed_attempt() -> None:
    assert containers_left() == ()
    gc.collect()  # A socket left open is a ResourceWarning here, which fails the test.
