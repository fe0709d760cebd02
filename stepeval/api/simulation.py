"""The embedded simulator: a process of its own, so that client and server share no loop."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from stepeval.core.errors import StepevalError
from stepeval.core.hosts import host_of, is_loopback

_PATIENCE_S = 2.0
_HEAD = 4096


@contextmanager
def embedded_simulator(run_folder: Path, *, seed: int) -> Iterator[str]:
    """The base URL of a simulator that knows the run's suite; it ends with the block.

    The ground truth of what it read and sent goes to ``truth.jsonl`` in the run's folder.
    """
    with _server("--run", str(run_folder), "--seed", str(seed)) as url:
        yield url


@contextmanager
def null_server(*, chunks: int, gap_ms: float) -> Iterator[str]:
    """The base URL of a server that answers at once, as cheaply as it can."""
    with _server("--null", "--chunks", str(chunks), "--gap-ms", f"{gap_ms:g}") as url:
        yield url


@contextmanager
def _server(*arguments: str) -> Iterator[str]:
    told = [*arguments, "--while-stdin-open", "--json"]
    process = subprocess.Popen(  # noqa: S603 -- our own program, no shell
        # -P: else a module of the folder the user stands in would be taken for one of ours
        [sys.executable, "-P", "-m", "stepeval", "simulate", "--port", "0", *told],
        stdin=subprocess.PIPE,  # closes when this process ends, however it ends
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the run, which still has answers under way
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise StepevalError(f"the simulator did not start (exit code {process.wait()})")
        yield str(json.loads(line)["base_url"])
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def is_simulator(base_url: str) -> bool:
    """Whether a simulator answers at this loopback address; asks nobody beyond it."""
    if not is_loopback(host_of(base_url)):
        return False
    address = urlsplit(base_url)
    if address.scheme != "http":
        return False
    asked = f"GET {address.path.rstrip('/')}/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    place = (address.hostname or "", address.port or 80)
    try:
        with socket.create_connection(place, timeout=_PATIENCE_S) as connection:
            connection.sendall(asked.encode("ascii"))
            # One read: whatever else a server may send, endlessly, is not waited for.
            return b"\r\nx-stepeval-simulator:" in connection.recv(_HEAD).lower()
    except (OSError, ValueError):
        return False
