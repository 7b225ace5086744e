"""One host over SSH: commands, files, and lines to agents."""

import io
import secrets
import socket
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import paramiko

import nemesis.host
from harness.environments.ssh.inventory import Host
from harness.errors import HarnessError
from nemesis.surface import SurfaceError

_PATIENCE_S: Final = 20.0
_CONNECT_S: Final = 10.0
_TRIES: Final = 3
_BETWEEN_TRIES_S: Final = 0.3
_READ_BYTES: Final = 65_536


class Connection:
    """A host that has been reached. Not for two threads at once."""

    def __init__(self, node: str, host: Host) -> None:
        """Connect; raises `HarnessError` if the host cannot be reached, with what to do."""
        self.node: Final = node
        self.host: Final = host
        self._client = _connected(node, host)

    def close(self) -> None:
        """Leave the host."""
        self._client.close()

    def run(self, command: str) -> str:
        """Return what the shell command prints; raises `SurfaceError` if it fails."""
        status, printed, said = self._execute(command)
        if status != 0:
            words = (said or printed).strip().splitlines() or ["it does not say why"]
            raise SurfaceError(f"{self.node}: {words[-1]}")
        return printed

    def upload(self, content: bytes, path: str, *, mode: int) -> None:
        """Put a file there; raises `SurfaceError`."""
        with _errors(self.node), self._client.open_sftp() as files:
            draft = f"{path}.{secrets.token_hex(4)}"  # Another trial may bring the same.
            files.putfo(io.BytesIO(content), draft)
            files.chmod(draft, mode)
            files.posix_rename(draft, path)

    def size(self, path: str) -> int | None:
        """Return how large a file is; None if there is none."""
        with _errors(self.node), self._client.open_sftp() as files:
            try:
                return files.stat(path).st_size
            except FileNotFoundError:
                return None

    def download(self, path: str, target: Path) -> None:
        """Fetch a file, unless there is none; raises `SurfaceError`."""
        if self.size(path) is not None:
            with _errors(self.node), self._client.open_sftp() as files:
                files.get(path, str(target))

    def open_line(self, command: str) -> "SshLine":
        """Start a program there, and return a line to it."""
        with _errors(self.node):
            channel = self._channel()
            channel.exec_command(command)
            return SshLine(channel)

    def _execute(self, command: str) -> tuple[int, str, str]:
        with _errors(self.node):
            channel = self._channel()
            channel.exec_command(command)
            channel.shutdown_write()
            printed, said = bytearray(), bytearray()
            # Both are drained before the status is asked for: a full window would block.
            while piece := channel.recv(_READ_BYTES):
                printed += piece
            while piece := channel.recv_stderr(_READ_BYTES):
                said += piece
            status = channel.recv_exit_status()
            channel.close()
        return status, printed.decode(errors="replace"), said.decode(errors="replace")

    def _channel(self) -> paramiko.Channel:
        transport = self._client.get_transport()
        if transport is None:
            raise SurfaceError(f"{self.node}: the connection to {self.host.address} has ended")
        channel = transport.open_session(timeout=_PATIENCE_S)
        channel.settimeout(_PATIENCE_S)
        return channel


class SshLine:
    """A `Line` to an agent on another host."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._received = b""

    def send(self, line: bytes) -> None:
        """See `Line`."""
        self._channel.sendall(line)

    def receive(self) -> bytes:
        """See `Line`."""
        while b"\n" not in self._received:
            piece = self._channel.recv(_READ_BYTES)
            if not piece:
                return b""
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line + b"\n"

    def close(self) -> None:
        """See `Line`. An agent that does not end in time is left to its host."""
        deadline = time.monotonic() + _PATIENCE_S
        if not self._channel.closed:
            self._channel.shutdown_write()
        while not self._channel.exit_status_ready() and time.monotonic() < deadline:
            time.sleep(0.01)
        self._channel.close()


def agent_archive() -> bytes:
    """Return a program of the whole of `nemesis.host` (zipapp), for a Python and nothing more."""
    package = Path(nemesis.host.__file__).parent
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("nemesis/__init__.py", "")
        for path in sorted(package.glob("*.py")):
            archive.write(path, f"nemesis/host/{path.name}")
        archive.writestr(
            "__main__.py", "import sys\nfrom nemesis.host.agent import main\nmain(sys.argv[1:])\n"
        )
    return buffer.getvalue()


def _connected(node: str, host: Host) -> paramiko.SSHClient:
    failure: Exception | None = None
    for attempt in range(_TRIES):
        client = paramiko.SSHClient()
        if host.known_hosts is not None:
            client.load_host_keys(str(Path(host.known_hosts).expanduser()))
        else:
            client.load_system_host_keys()
        policy = paramiko.RejectPolicy if host.check_host_key else paramiko.AutoAddPolicy
        client.set_missing_host_key_policy(policy())
        key = None if host.key is None else str(Path(host.key).expanduser())
        try:
            client.connect(
                host.address, port=host.port, username=host.user, key_filename=key,
                look_for_keys=key is None, allow_agent=key is None, timeout=_CONNECT_S,
                banner_timeout=_CONNECT_S, auth_timeout=_CONNECT_S,
            )  # fmt: skip
        except (OSError, EOFError, paramiko.SSHException) as error:
            client.close()
            failure = error
            if isinstance(error, paramiko.AuthenticationException):
                break
            time.sleep(_BETWEEN_TRIES_S * attempt)
        else:
            return client
    raise HarnessError(
        f"{node}: {host.user}@{host.address}:{host.port} cannot be reached over SSH: {failure}; "
        "see the inventory, and try ssh by hand"
    ) from failure


@contextmanager
def _errors(node: str) -> Iterator[None]:
    """Let whatever goes wrong with a connection be a `SurfaceError`."""
    try:
        yield
    except (OSError, EOFError, paramiko.SSHException) as error:
        what = "no answer in time" if isinstance(error, socket.timeout) else str(error)
        raise SurfaceError(f"{node}: SSH: {what or type(error).__name__}") from error
