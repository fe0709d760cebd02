"""Servers to measure against, each in a process of its own and with a log of what it did."""

import os
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from benchmarks.processes import simulator

_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Timing:
    latency_ms: float = 0.0
    ttft_ms: float = 0.0
    gap_ms: float = 0.0
    chunks: int = 64


Serve: TypeAlias = Callable[[Timing, Path | None], AbstractContextManager[str]]
"""With this timing and log; the value is the base URL. The log is whole when the context ends."""


@dataclass(frozen=True, slots=True)
class Server:
    """``log_suffix`` tells the log's format (:mod:`benchmarks.truth`)."""

    name: str
    serve: Serve
    log_suffix: str


def _null(timing: Timing, log: Path | None) -> AbstractContextManager[str]:
    return simulator(
        "--null",
        f"--latency-ms={timing.latency_ms}",
        f"--ttft-ms={timing.ttft_ms}",
        f"--gap-ms={timing.gap_ms}",
        f"--chunks={timing.chunks}",
        *([] if log is None else [f"--log={log}"]),
    )


null_server = Server("null server", _null, ".jsonl")


def external_server(command: str) -> Server:
    """``command`` has {port} and {log}, and {ttft_ms}, {gap_ms}, {latency_ms}, {chunks} if it can.

    It serves below /v1 on loopback until SIGTERM, then its log is complete.

    Raises:
        SystemExit: Something else stands in braces.
    """
    try:
        command.format(port=0, log="", ttft_ms=0, gap_ms=0, latency_ms=0, chunks=0)
    except (KeyError, IndexError, ValueError) as error:
        raise SystemExit(f"--external-server: cannot fill in {error} in {command!r}") from error

    @contextmanager
    def serve(timing: Timing, log: Path | None) -> Iterator[str]:
        port = _free_port()
        filled = command.format(
            port=port,
            log=shlex.quote(str(log or os.devnull)),
            ttft_ms=timing.ttft_ms,
            gap_ms=timing.gap_ms,
            latency_ms=timing.latency_ms,
            chunks=timing.chunks,
        )
        process = subprocess.Popen(
            shlex.split(filled), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()
            process.wait()

    return Server("external server", serve, ".tsv")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Raises SystemExit if it ends, or does not listen for long."""
    last = time.monotonic() + _PATIENCE_S
    while process.poll() is None and time.monotonic() < last:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"the external server did not listen on port {port}")
