"""`quorate serve`: exports, refusals, and a server that answers on loopback."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.harness.cli.conftest import SHORT, Quorate


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def page_at(url: str, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError), urllib.request.urlopen(url) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body.decode()
        time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")


def test_pages_are_exported(quorate: Quorate) -> None:
    quorate("run", *SHORT)

    done = quorate("serve", "runs", "--export", "pages")

    assert done.code == 0
    assert done.line("export") == "pages/index.html (3 pages)"
    assert Path("pages/index.html").exists()


def test_a_folder_that_is_not_there_is_exit_code_64(quorate: Quorate) -> None:
    assert quorate("serve", "missing").code == 64
    assert quorate("serve", "missing", "--export", "pages").code == 64


def test_pages_that_cannot_be_written_are_our_failure(quorate: Quorate) -> None:
    quorate("run", *SHORT)
    Path("taken").write_text("a file")

    assert quorate("serve", "runs", "--export", "taken").code == 3


def test_it_serves_on_loopback_until_it_is_interrupted(quorate: Quorate) -> None:
    run = Path(quorate("run", *SHORT).line("run")).name
    port = free_port()
    command = [sys.executable, "-m", "harness", "serve", "runs", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(command, env=environment) as server:
        try:
            assert f"/run/{run}" in page_at(f"http://127.0.0.1:{port}/", 60)
        finally:
            server.send_signal(signal.SIGINT)
        server.wait(30)
