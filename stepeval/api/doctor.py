"""Is everything there that a run needs? Each check looks at one thing and says what it found."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from stepeval.api.access import key_file
from stepeval.client.credentials import find_key
from stepeval.core.errors import StepevalError
from stepeval.core.models import key_variables, known_providers
from stepeval.core.task import Provider
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.thread import running

State = Literal["ok", "note", "fail"]

# What people run models with on their own machine, by the port it listens on as shipped.
_LOCAL_SERVERS = {
    8080: "llama.cpp",
    8000: "vLLM",
    11434: "Ollama",
    1234: "LM Studio",
    30000: "SGLang",
}


@dataclass(frozen=True, slots=True)
class Check:
    """``note`` is worth knowing; only ``fail`` is in the way of a run."""

    name: str
    state: State
    message: str


def check_all() -> Iterator[Check]:
    base_url = known_providers()["stepfun"]
    yield check_key(base_url, os.environ, key_file())
    yield check_host(base_url)
    yield check_clock()
    yield check_simulator()
    yield check_local_servers(_LOCAL_SERVERS)


def check_key(base_url: str, env: Mapping[str, str], file: Path) -> Check:
    variables = key_variables(urlsplit(base_url).hostname or "")
    provider = Provider("stepfun", base_url, key_env=variables)
    try:
        key = find_key(provider, env, file)
    except StepevalError as error:
        missing = not any(env.get(name) for name in variables) and not file.exists()
        return Check("key", "note" if missing else "fail", str(error))
    assert key is not None
    if any(c.isspace() or not c.isprintable() for c in key.reveal()):
        return Check("key", "fail", "the key has white space in it; copy it again")
    found = next((name for name in variables if env.get(name)), str(file))
    return Check("key", "ok", f"found in {found}")


def check_host(base_url: str, *, timeout: float = 3.0) -> Check:
    """Whether a connection can be opened. No request is made and no key is sent."""
    address = urlsplit(base_url)
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    began = time.monotonic()
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return Check("host", "note", f"{host} cannot be reached: {error}")
    return Check("host", "ok", f"{host} answers in {(time.monotonic() - began) * 1000:.0f} ms")


def check_clock() -> Check:
    """Latencies come from the monotonic clock: it must be one, and fine enough."""
    clock = time.get_clock_info("monotonic")
    smallest = min(_ticks(time.monotonic_ns))
    if not clock.monotonic or smallest > 1_000_000:  # noqa: PLR2004 -- 1 ms, in ns
        return Check("clock", "fail", f"{clock.implementation} steps by {smallest} ns: too coarse")
    return Check("clock", "ok", f"{clock.implementation}, steps of {smallest} ns")


def _ticks(clock: Callable[[], int]) -> Iterator[int]:
    """How far the clock moves when it moves at all."""
    for _ in range(100):
        before = clock()
        while (now := clock()) == before:
            pass
        yield now - before


def check_simulator() -> Check:
    try:
        with running(SimulatorConfig(), {}) as simulator:
            answered = _get(urlsplit(simulator.base_url).port or 0, "/v1/models")
    except OSError as error:
        return Check("simulator", "fail", f"it cannot listen on loopback: {error}")
    if not answered:
        return Check("simulator", "fail", "it does not answer on loopback; is a proxy in the way?")
    return Check("simulator", "ok", "answers on loopback")


def check_local_servers(servers: Mapping[int, str]) -> Check:
    found = [
        f"http://127.0.0.1:{port}/v1 (perhaps {name})"
        for port, name in servers.items()
        if _get(port, "/v1/models")
    ]
    if not found:
        return Check("local servers", "note", "none on the usual ports")
    return Check("local servers", "ok", f"use --base-url with {' or '.join(found)}")


def _get(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200  # noqa: PLR2004 -- OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
