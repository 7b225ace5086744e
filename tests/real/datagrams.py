"""Datagrams from one network namespace to another, and what becomes of them on the way."""

import json
import subprocess
import sys
from collections.abc import Sequence

_RECEIVE = """
import json, socket, sys, time
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind((sys.argv[1], 7777))
here.settimeout(float(sys.argv[2]))
print("ready", flush=True)
came = []
try:
    while True:
        number, sent = here.recv(100).split()
        came.append([int(number), (time.monotonic_ns() - int(sent)) / 1e6])
except TimeoutError:
    print(json.dumps(came))
"""
_SEND = """
import socket, sys, time
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(int(sys.argv[2])):
    here.sendto(f"{number} {time.monotonic_ns()}".encode(), (sys.argv[1], 7777))
    time.sleep(0.001)
"""


def exchange(
    sender: Sequence[str], receiver: Sequence[str], address: str, count: int = 50
) -> list[tuple[int, float]]:
    """Send so many datagrams; return number and milliseconds under way of those that came.

    `sender` and `receiver` are commands that enter the namespaces.
    """
    python = [sys.executable, "-I", "-S", "-c"]
    receiving = subprocess.Popen(
        [*receiver, *python, _RECEIVE, address, "1.5"], stdout=subprocess.PIPE, text=True
    )
    assert receiving.stdout is not None
    assert receiving.stdout.readline() == "ready\n"
    subprocess.run([*sender, *python, _SEND, address, str(count)], check=True)
    came, _ = receiving.communicate(timeout=30)
    return [(int(number), float(ms)) for number, ms in json.loads(came)]
