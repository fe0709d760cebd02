import asyncio
import http.client
import json
import socket
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from stepeval.core.errors import UsageError
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.server import Simulator
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import RunningSimulator, running

_BODY = {"model": "step-3.7-flash", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running(SimulatorConfig(speed=Speed(scale=0))) as started:
        yield started


def _request(number: int, *, stream: bool = False, extra: str = "") -> bytes:
    body = json.dumps({**_BODY, "seed": number, "max_tokens": number, "stream": stream})
    return (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{extra}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    while block := connection.recv(1 << 16):
        received += block
    return received


def _talk(simulator: RunningSimulator, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=20) as connection:
        connection.sendall(data)
        return _read_all(connection)


def test_pipelined_requests_are_answered_in_order(simulator: RunningSimulator) -> None:
    last = _request(9, extra="Connection: close\r\n")
    heard = _talk(simulator, b"".join(_request(n, stream=n % 2 == 0) for n in range(1, 9)) + last)
    assert heard.count(b"HTTP/1.1 200 OK") == 9
    bodies = heard.split(b"HTTP/1.1 200 OK")[1:]
    # The n-th may take n tokens, and says in its last count of tokens how many it took.
    counts = [int(body.rpartition(b'"completion_tokens":')[2].split(b",")[0]) for body in bodies]
    assert counts == list(range(1, 10))


def test_pipelined_requests_wait_for_slow_answers() -> None:
    with running(SimulatorConfig(speed=Speed(ttft_ms=30))) as slow:
        heard = _talk(slow, _request(3, stream=True) + _request(4, extra="Connection: close\r\n"))
    assert heard.index(b"[DONE]") < heard.rindex(b"HTTP/1.1 200 OK")


def test_a_connection_serves_many_requests(simulator: RunningSimulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port)
    ports = set()
    for stream in (False, True, False):
        connection.request("POST", "/v1/chat/completions", json.dumps({**_BODY, "stream": stream}))
        ports.add(connection.sock.getsockname()[1])
        assert connection.getresponse().read()
    connection.close()
    assert len(ports) == 1


def test_a_request_in_small_pieces_is_read(simulator: RunningSimulator) -> None:
    data = _request(5, extra="Connection: close\r\n")
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=20) as connection:
        for start in range(0, len(data), 7):
            connection.sendall(data[start : start + 7])
        assert b"200 OK" in _read_all(connection)


def test_a_chunked_request_body_is_read(simulator: RunningSimulator) -> None:
    body = json.dumps(_BODY).encode()
    data = (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    )
    assert b"200 OK" in _talk(simulator, data)


def test_a_client_that_waits_for_100_continue_gets_it(simulator: RunningSimulator) -> None:
    head, _, body = _request(5, extra="Connection: close\r\nExpect: 100-continue\r\n").partition(
        b"\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=20) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(body)
        assert b"200 OK" in _read_all(connection)


@pytest.mark.parametrize("stream", [False, True])
def test_http_1_0_gets_an_answer_without_chunks(simulator: RunningSimulator, stream: bool) -> None:
    heard = _talk(simulator, _request(5, stream=stream).replace(b"HTTP/1.1", b"HTTP/1.0"))
    head, _, body = heard.partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body.startswith(b"data: " if stream else b"{")


def test_what_is_no_http_gets_400(simulator: RunningSimulator) -> None:
    heard = _talk(simulator, b"\x16\x03\x01\x02\x00\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 400")
    assert b"x-stepeval-simulator" in heard


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/v1/models", 200),
        ("GET", "/step_plan/v1/models?x=1", 200),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/health", 405),
        ("HEAD", "/nowhere", 404),
        ("GET", "/", 404),
    ],
)
def test_other_paths(simulator: RunningSimulator, method: str, path: str, status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert response.status == status
    assert response.getheader("x-stepeval-simulator")
    if path == "/v1/models":
        assert "step-3.7-flash" in {model["id"] for model in json.loads(body)["data"]}


def test_the_plan_path_answers_too(simulator: RunningSimulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", simulator.port)
    connection.request("POST", "/step_plan/v1/chat/completions", json.dumps(_BODY))
    assert connection.getresponse().status == 200
    connection.close()


def test_a_key_is_asked_for_only_where_it_is_required(simulator: RunningSimulator) -> None:
    assert simulator.post(_BODY).status == 200
    with running(SimulatorConfig(speed=Speed(scale=0), require_key=True)) as strict:
        assert strict.post(_BODY).status == 401
        assert strict.post(_BODY, {"Authorization": "Bearer "}).status == 401
        assert strict.post(_BODY, {"Authorization": "Bearer sk-any"}).status == 200


def test_requests_are_kept_as_they_were_read() -> None:
    with running(SimulatorConfig(speed=Speed(scale=0))) as fresh:
        fresh.post(b'{ "odd":1 }', {"X-Mine": "yes"})
        (seen,) = fresh.requests()
    assert seen.body == b'{ "odd":1 }'
    assert seen.headers["x-mine"] == "yes"
    assert (seen.method, seen.path) == ("POST", "/v1/chat/completions")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_only_loopback_is_bound(host: str) -> None:
    with pytest.raises(UsageError, match="only listens on loopback"):
        asyncio.run(Simulator(SimulatorConfig(), {}).start(host))


def test_other_addresses_are_bound_when_they_are_allowed() -> None:
    async def bind() -> int:
        simulator = Simulator(SimulatorConfig(allow_remote=True), {})
        port = await simulator.start("0.0.0.0")
        await simulator.close()
        return port

    assert asyncio.run(bind()) > 0


def test_a_port_that_is_taken_is_one_clear_sentence(simulator: RunningSimulator) -> None:
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{simulator.port}"):
        asyncio.run(Simulator(SimulatorConfig(), {}).start(port=simulator.port))


def test_closing_ends_streams_that_still_run() -> None:
    with running(SimulatorConfig(speed=Speed(ttft_ms=1, itl_ms=60_000))) as slow:
        connection = socket.create_connection(("127.0.0.1", slow.port), timeout=20)
        connection.sendall(_request(50, stream=True))
        assert connection.recv(10)
    with connection:
        try:
            ended = b"[DONE]" not in _read_all(connection)
        except ConnectionResetError:
            ended = True
    assert ended


def test_a_client_that_sends_far_ahead_has_to_wait() -> None:
    """What the server holds of requests it has not come to is bounded."""
    with (
        running(SimulatorConfig(speed=Speed(ttft_ms=60_000))) as slow,
        socket.create_connection(("127.0.0.1", slow.port), timeout=1) as connection,
    ):
        connection.sendall(_request(5))
        while not slow.requests():
            time.sleep(0.005)
        with pytest.raises(TimeoutError):
            connection.sendall(bytes(64 << 20))


def test_what_was_sent_far_ahead_is_answered_all_the_same() -> None:
    """Reading goes on once the requests that were waiting have been answered."""
    padded = _request(5, extra=f"X-Padding: {'x' * 8000}\r\n")
    last = _request(6, extra="Connection: close\r\n")
    config = SimulatorConfig(speed=Speed(ttft_ms=200, itl_ms=0, jitter=0))
    with (
        running(config) as slow,
        socket.create_connection(("127.0.0.1", slow.port), timeout=20) as connection,
    ):
        sender = Thread(target=connection.sendall, args=(padded * 300 + last,))
        sender.start()
        heard = _read_all(connection)
        sender.join()
    assert heard.count(b"HTTP/1.1 200 OK") == 301
