"""Against real sockets: what a server does wrong becomes a Failure of its own kind."""

import asyncio
import base64
import gzip
import json
import resource
import socket
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest

from stepeval.client.transport import Client
from stepeval.core.chat import (
    ChunkKind,
    Exchange,
    Failure,
    FailureKind,
    Message,
    Request,
    Response,
    Usage,
)
from stepeval.core.errors import UsageError
from stepeval.core.record import Mode
from stepeval.core.secret import Secret
from stepeval.core.task import Provider, Timeouts

KEY = "sk-canary/+0123456789"
QUICK = Timeouts(connect=2, read=0.2, write=2, total=5)

Step = bytes | float  # bytes to send, or seconds to be silent
Script = Sequence[Step]


class Scripted:
    """Answers the n-th request with the n-th script (the last one again and again)."""

    def __init__(self, scripts: Sequence[Script], *, keep_alive: bool) -> None:
        self.scripts = scripts
        self.keep_alive = keep_alive
        self.requests: list[bytes] = []
        self.connections = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                place = min(len(self.requests), len(self.scripts)) - 1
                for step in self.scripts[place]:
                    if isinstance(step, bytes):
                        writer.write(step)
                        await writer.drain()
                    else:
                        await asyncio.sleep(step)
                if not self.keep_alive:
                    break
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has gone
        finally:
            writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            await asyncio.sleep(0)


def ask(
    *scripts: Script,
    times: int = 1,
    stream: bool = False,
    key: str | None = None,
    mode: Mode = Mode.SIMULATED,
    timeouts: Timeouts = QUICK,
    cap: int = 1_000_000,
    keep_alive: bool = False,
    headers: dict[str, str] | None = None,
) -> tuple[list[Exchange], Scripted]:
    server = Scripted(scripts, keep_alive=keep_alive)

    async def run() -> list[Exchange]:
        async with server.listening() as base_url:
            provider = Provider("p", base_url, (), headers or {}, timeouts)
            keys = {"p": Secret(key) if key else None}
            async with Client([provider], keys, mode=mode, body_cap=cap) as client:
                request = Request("p", "m", (Message("user", "hi"),), {"stream": stream})
                return [
                    await client(request, scheduled_ns=time.monotonic_ns()) for _ in range(times)
                ]

    return asyncio.run(run()), server


def failure(*script: Step, **options: Any) -> Failure:
    exchanges, _ = ask(script, **options)
    result = exchanges[0].result
    assert isinstance(result, Failure), result
    return result


def answer(*script: Step, **options: Any) -> Response:
    exchanges, _ = ask(script, **options)
    result = exchanges[0].result
    assert isinstance(result, Response), result
    return result


def head(status: int = 200, kind: str = "application/json", *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", *more, "", ""]
    return "\r\n".join(lines).encode()


def whole(body: bytes, status: int = 200, kind: str = "application/json", *more: str) -> bytes:
    return head(status, kind, f"Content-Length: {len(body)}", *more) + body


def completion(text: str = "42", **more: Any) -> bytes:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return json.dumps(
        {"id": "1", "model": "m", "choices": [choice], "usage": usage, **more}
    ).encode()


def chunk(
    content: str | None = "", finish: str | None = "", tokens: int | None = None, **delta: Any
) -> bytes:
    choice = {"index": 0, "delta": {"content": content, **delta}, "finish_reason": finish}
    usage = {"usage": {"completion_tokens": tokens}} if tokens is not None else {}
    return f"data: {json.dumps({'id': '1', 'choices': [choice], **usage})}\n\n".encode()


SSE_HEAD = head(200, "text/event-stream")
DONE = b"data: [DONE]\n\n"


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


# What goes out


def test_the_request_is_what_the_suite_set_and_carries_the_key_of_its_provider() -> None:
    (exchange,), server = ask([whole(completion())], key=KEY, headers={"X-Team": "blue"})
    sent_head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert sent_head.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert b"authorization: Bearer " + KEY.encode() in sent_head
    assert b"accept-encoding: identity" in sent_head
    assert b"x-team: blue" in sent_head
    assert b"user-agent: stepeval/" in sent_head
    sent = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": False}
    assert json.loads(body) == sent
    assert exchange.body.encode() == body
    assert exchange.url.endswith("/v1/chat/completions")


def test_each_attempt_has_a_request_id_of_its_own() -> None:
    _, server = ask([whole(completion())], times=2)
    ids = [sent.split(b"x-request-id: ")[1].split(b"\r\n")[0] for sent in server.requests]
    assert len(set(ids)) == 2
    assert all(len(request_id) == 32 for request_id in ids)


@pytest.mark.parametrize(
    ("base_url", "headers"),
    [
        ("ftp://x/v1", {}),
        ("api.stepfun.ai/v1", {}),
        ("https://me:secret@x/v1", {}),
        ("https://x:99999/v1", {}),
        ("https://x/v1", {"X-A": "b\r\nX-C: d"}),
        ("https://x/v1", {"X A": "b"}),
    ],
)
def test_an_address_or_header_that_http_cannot_carry_is_refused_before_any_request(
    base_url: str, headers: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="provider 'p'") as error:
        Client([Provider("p", base_url, (), headers)], {}, mode=Mode.LIVE)
    assert "secret" not in str(error.value)


def test_a_redirect_is_not_followed_and_its_target_sees_no_key() -> None:
    thief = Scripted([[whole(completion())]], keep_alive=False)

    async def run() -> tuple[Exchange, list[bytes]]:
        async with thief.listening() as elsewhere:
            moved = whole(b"", 302, "text/html", f"Location: {elsewhere}/chat/completions")
            server = Scripted([[moved]], keep_alive=False)
            async with server.listening() as base_url:
                keys = {"p": Secret(KEY)}
                provider = Provider("p", base_url)
                async with Client([provider], keys, mode=Mode.LIVE) as client:
                    request = Request("p", "m", ())
                    return await client(request, scheduled_ns=0), server.requests

    exchange, requests = asyncio.run(run())
    assert isinstance(exchange.result, Failure)
    assert exchange.result.kind is FailureKind.REDIRECT
    assert len(requests) == 1
    assert thief.connections == 0


def test_a_proxy_of_the_environment_is_used_for_others_and_never_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = Scripted([[whole(completion())]], keep_alive=False)

    async def run() -> Exchange:
        async with proxy.listening() as address:
            monkeypatch.setenv("http_proxy", address.removesuffix("/v1"))
            provider = Provider("p", "http://gateway.example/v1")
            async with Client([provider], {}, mode=Mode.LIVE) as client:
                return await client(Request("p", "m", ()), scheduled_ns=0)

    assert isinstance(asyncio.run(run()).result, Response)
    assert proxy.requests[0].startswith(b"POST http://gateway.example/v1/chat/completions HTTP")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert answer(whole(completion())).choices[0].text == "42"


# What comes in


def test_a_whole_response_is_read() -> None:
    body = completion(usage={"prompt_tokens": 3, "completion_tokens": 2, "cached_tokens": 1})
    response = answer(whole(body, 200, "application/json; charset=utf-8", "X-Trace-Id: t1"))
    assert (response.id, response.model, response.trace_id) == ("1", "m", "t1")
    assert response.choices[0].text == "42"
    assert response.usage == Usage(3, 2, None, 1, None)
    assert response.timing.chunks == ()
    assert not response.simulated


def test_the_stages_of_a_request_are_stamped_in_order() -> None:
    steps = (SSE_HEAD, 0.05, chunk("a", tokens=1), 0.05, chunk("b", "stop", 2) + DONE)
    timing = answer(*steps, stream=True).timing
    first, second = timing.chunks
    moments = (
        timing.scheduled_ns,
        timing.sent_ns,
        timing.headers_ns,
        first.arrival_ns,
        second.arrival_ns,
        timing.done_ns,
    )
    assert all(moment is not None for moment in moments)
    assert list(moments) == sorted(moments, key=lambda moment: moment or 0)
    assert first.arrival_ns - (timing.headers_ns or 0) > 20_000_000
    assert first.arrival_ns <= second.not_before_ns < second.arrival_ns
    assert first.not_before_ns >= (timing.sent_ns or 0)


def test_connecting_is_no_part_of_the_request() -> None:
    """The first request opens the connection; its clock starts when that is done."""
    exchanges, server = ask([whole(completion())], times=2, keep_alive=True)
    assert server.connections == 1
    for exchange in exchanges:
        timing = exchange.result.timing
        assert timing is not None
        assert timing.scheduled_ns is not None
        assert timing.sent_ns is not None
        assert timing.sent_ns > timing.scheduled_ns


def test_events_that_came_in_one_read_are_marked_even_as_chunks_of_their_own() -> None:
    first, second, third = chunk("a"), chunk("b"), chunk("c", "stop")
    steps = (
        head(200, "text/event-stream", "Transfer-Encoding: chunked"),
        0.05,
        chunked(first, second),
        0.05,
        chunked(third),
        0.05,
        chunked(DONE) + b"0\r\n\r\n",
    )
    a, b, c = answer(*steps, stream=True).timing.chunks
    assert a.arrival_ns == b.arrival_ns < c.arrival_ns
    assert a.not_before_ns == b.not_before_ns < a.arrival_ns
    assert (a.coalesced, b.coalesced, c.coalesced) == (True, True, False)


def test_events_that_came_with_the_head_are_as_old_as_the_head() -> None:
    chunked_head = head(200, "text/event-stream", "Transfer-Encoding: chunked")
    steps = chunked_head + chunked(chunk("a"), chunk("b", "stop"), DONE) + b"0\r\n\r\n"
    timing = answer(steps, stream=True).timing
    assert {piece.arrival_ns for piece in timing.chunks} == {timing.headers_ns}


def test_a_stream_as_llama_cpp_sends_it_is_an_answer() -> None:
    """No usage, role in the first chunk only, finish_reason null to the end."""
    steps = (
        SSE_HEAD,
        chunk(None, None, role="assistant"),
        chunk("4", None),
        chunk("2", None),
        DONE,
    )
    response = answer(*steps, stream=True)
    assert response.choices[0].text == "42"
    assert response.choices[0].finish_reason is None
    assert response.usage == Usage()
    kinds = [piece.kind for piece in response.timing.chunks]
    assert kinds == [ChunkKind.ROLE, ChunkKind.ANSWER, ChunkKind.ANSWER]


def test_a_finished_stream_needs_no_done() -> None:
    response = answer(SSE_HEAD, chunk("42", "stop"), stream=True)
    assert response.choices[0].finish_reason == "stop"


def test_a_done_without_its_blank_line_is_a_done() -> None:
    assert answer(SSE_HEAD, chunk("42", None), b"data: [DONE]", stream=True).choices[0].text == "42"


def test_the_content_type_decides_and_not_what_was_asked_for() -> None:
    assert answer(whole(completion()), stream=True).choices[0].text == "42"
    assert answer(SSE_HEAD, chunk("42", "stop"), DONE, stream=False).choices[0].text == "42"


def test_a_server_that_stays_open_after_done_is_not_waited_for() -> None:
    started = time.monotonic()
    slow = Timeouts(2, 60, 2, 60)
    response = answer(SSE_HEAD, chunk("42", "stop"), DONE, 5.0, stream=True, timeouts=slow)
    assert response.choices[0].text == "42"
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
def test_compressed_bodies_are_decoded(encoding: str) -> None:
    raw = zlib.compressobj(wbits=-15)
    bodies = {
        "gzip": gzip.compress(completion()),
        "deflate": zlib.compress(completion()),
        "raw deflate": raw.compress(completion()) + raw.flush(),
    }
    name = encoding.rsplit(maxsplit=1)[-1]
    body = whole(bodies[encoding], 200, "application/json", f"Content-Encoding: {name}")
    assert answer(body).choices[0].text == "42"


def test_connections_are_kept_and_a_stale_one_is_replaced() -> None:
    exchanges, server = ask([whole(completion())], times=3, keep_alive=True)
    assert server.connections == 1
    closing, closed = ask([whole(completion())], times=3, keep_alive=False)
    assert closed.connections == 3
    assert all(isinstance(e.result, Response) for e in [*exchanges, *closing])


def test_a_connection_lives_on_after_a_stream_whose_end_comes_late() -> None:
    chunked_head = head(200, "text/event-stream", "Transfer-Encoding: chunked")
    script: Script = [chunked_head, chunked(chunk("42", "stop"), DONE), 0.05, b"0\r\n\r\n"]
    exchanges, server = ask(script, times=2, stream=True, keep_alive=True)
    assert server.connections == 1
    assert all(isinstance(exchange.result, Response) for exchange in exchanges)


# Simulators


def test_a_simulator_is_recognised_and_never_answers_a_live_run() -> None:
    marked = whole(completion(), 200, "application/json", "X-Stepeval-Simulator: 1")
    assert answer(marked, mode=Mode.SIMULATED).simulated
    refused = failure(marked, mode=Mode.LIVE)
    assert refused.kind is FailureKind.SIMULATED
    assert refused.partial is None


# Faults

GZIP = ("Content-Encoding: gzip",)
BODIES: list[tuple[FailureKind, str, Script]] = [
    (FailureKind.CONTENT_TYPE, "<html>hello", [whole(b"<html>hello", 200, "text/html")]),
    (FailureKind.BAD_RESPONSE, "not JSON", [whole(b"{oops")]),
    (FailureKind.BAD_RESPONSE, "not a JSON object", [whole(b"[1]")]),
    (FailureKind.BAD_RESPONSE, "no choices", [whole(b'{"choices": []}')]),
    (FailureKind.BAD_RESPONSE, "not JSON", [whole(b"[" * 100_000)]),
    (FailureKind.BAD_RESPONSE, "not JSON", [whole(b'{"id": 1' + b"0" * 9000 + b"}")]),
    (FailureKind.BAD_RESPONSE, "not JSON", [whole(completion().replace(b"42", b"\xff"))]),
    (FailureKind.BAD_RESPONSE, "no gzip", [whole(b"plain", 200, "application/json", *GZIP)]),
    (
        FailureKind.DISCONNECTED,
        "ended early",
        [whole(gzip.compress(completion())[:-9], 200, "application/json", *GZIP)],
    ),
    (
        FailureKind.CONTENT_TYPE,
        "'br'",
        [whole(b"x", 200, "application/json", "Content-Encoding: br")],
    ),
    (FailureKind.TOO_LARGE, "above 1,000,000", [whole(b"x" * 1_000_001)]),
    (FailureKind.SERVER, "overloaded", [whole(b'{"error": {"message": "overloaded"}}')]),
    (FailureKind.RATE_LIMIT, "slow", [whole(b'{"error": {"message": "slow", "code": 429}}')]),
    (
        FailureKind.DISCONNECTED,
        "ended before the response did",
        [head(200, "application/json", "Content-Length: 9"), b"{"],
    ),
    (FailureKind.DISCONNECTED, "ended without a response", []),
    (FailureKind.DISCONNECTED, "ended without a response", [b"HTTP/1.1 200 O"]),
    (FailureKind.PROTOCOL, "does not speak HTTP", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n"]),
    (FailureKind.PROTOCOL, "does not speak HTTP", [b"HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n"]),
    (FailureKind.LONG_HEAD, "without end", [b"HTTP/1.1 200 X\r\nA: " + b"a" * 200_000]),
    (FailureKind.LONG_HEAD, "without end", [b"HTTP/1.1 200 X\r\n" + b"A: b\r\n" * 30_000]),
    (FailureKind.LONG_HEAD, "without end", [b"HTTP/1.1 100 Continue\r\n\r\n" * 9000]),
    (FailureKind.EXTRA_RESPONSE, "more than one", [whole(completion()) * 2]),
    (FailureKind.EXTRA_RESPONSE, "more than one", [whole(completion()) + b"HTTP/1.1 2"]),
    (FailureKind.FIRST_BYTE_TIMEOUT, "answered nothing for 0.2 s", [2.0]),
    (
        FailureKind.READ_TIMEOUT,
        "sent nothing more for 0.2 s",
        [head(200, "application/json", "Content-Length: 9"), 2.0],
    ),
    (FailureKind.BAD_STREAM, "not JSON", [SSE_HEAD, b"data: {oops\n\n"]),
    (FailureKind.BAD_STREAM, "without choices", [SSE_HEAD, b"data: {}\n\n"]),
    (FailureKind.BAD_STREAM, "not valid UTF-8", [SSE_HEAD, b"data: \xff\xfe\n\n"]),
    (FailureKind.BAD_STREAM, "no event", [SSE_HEAD, b"hello, this is no stream\n\n"]),
    (FailureKind.BAD_STREAM, "without a choice", [SSE_HEAD, DONE]),
    (FailureKind.DISCONNECTED, "before its first event", [SSE_HEAD]),
    (FailureKind.TOO_LARGE, "above", [SSE_HEAD, b"data: " + b"x" * 1_100_000]),
    (
        FailureKind.SERVER,
        "boom",
        [SSE_HEAD, chunk("4"), b'data: {"error": {"message": "boom"}}\n\n'],
    ),
]


@pytest.mark.parametrize(("kind", "message", "script"), BODIES)
def test_each_bad_answer_is_a_failure_of_its_own_kind(
    kind: FailureKind, message: str, script: Script
) -> None:
    failed = failure(*script, stream=True)
    assert failed.kind is kind
    assert message in failed.message
    assert len(failed.message) <= 500
    assert failed.timing is not None
    assert failed.timing.sent_ns is not None
    assert failed.timing.done_ns is None


@pytest.mark.parametrize("script", [script for _, _, script in BODIES])
def test_the_client_goes_on_after_a_bad_answer(script: Script) -> None:
    """The connection that carried it is given up, and nothing of it reaches the next request."""
    server = Scripted([script, [whole(completion())]], keep_alive=True)

    async def run() -> list[Exchange]:
        async with server.listening() as base_url:
            provider = Provider("p", base_url, timeouts=QUICK)
            async with Client([provider], {}, mode=Mode.SIMULATED, body_cap=1_000_000) as client:
                return [await client(Request("p", "m", ()), scheduled_ns=0) for _ in range(2)]

    first, second = asyncio.run(run())
    assert isinstance(first.result, Failure)
    assert isinstance(second.result, Response), second.result
    assert second.result.choices[0].text == "42"


STATUSES = {
    400: FailureKind.BAD_REQUEST,
    401: FailureKind.AUTHENTICATION,
    402: FailureKind.BALANCE,
    403: FailureKind.AUTHENTICATION,
    404: FailureKind.NOT_FOUND,
    409: FailureKind.HTTP,
    429: FailureKind.RATE_LIMIT,
    451: FailureKind.MODERATION,
    500: FailureKind.SERVER,
    503: FailureKind.SERVER,
    307: FailureKind.REDIRECT,
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_a_status_has_its_kind_and_the_servers_words(status: int, kind: FailureKind) -> None:
    body = b'{"error": {"message": "because", "type": "t"}}'
    more = ("Retry-After: 7", "X-Trace-Id: t1")
    failed = failure(whole(body, status, "application/json", *more))
    assert (failed.kind, failed.status) == (kind, status)
    assert (failed.retry_after_s, failed.trace_id) == (7.0, "t1")
    assert kind is FailureKind.REDIRECT or failed.message == "because"


def test_what_a_server_says_of_its_limits_is_passed_on_without_a_key_in_it() -> None:
    body = b'{"error": {"message": "slow down"}}'
    more = ("X-RateLimit-Limit-Requests: 400", "x-ratelimit-reset-requests: 2s")
    failed = failure(whole(body, 429, "application/json", *more))
    assert failed.quota == {
        "x-ratelimit-limit-requests": "400",
        "x-ratelimit-reset-requests": "2s",
    }
    assert failure(whole(body, 429, "application/json")).quota is None


def test_an_endless_error_page_is_quoted_and_not_read_to_its_end() -> None:
    failed = failure(head(500, "text/html"), *[b"<p>" * 20_000] * 50, 2.0, cap=10**9)
    assert failed.kind is FailureKind.SERVER
    assert failed.message == ("<p>" * 200)[:500]


def test_a_cut_stream_keeps_what_had_come() -> None:
    failed = failure(SSE_HEAD, chunk("4", tokens=1), chunk("2", tokens=2), stream=True)
    assert failed.kind is FailureKind.DISCONNECTED
    assert failed.partial is not None
    assert failed.partial.choices[0].text == "42"
    assert failed.partial.usage.output_tokens == 2
    assert failed.timing is not None
    assert len(failed.timing.chunks) == 2


def test_a_stream_that_falls_silent_keeps_what_had_come() -> None:
    failed = failure(SSE_HEAD, chunk("4"), 2.0, stream=True)
    assert failed.kind is FailureKind.READ_TIMEOUT
    assert failed.partial is not None


def test_an_answer_that_lacks_only_the_end_of_its_connection_is_an_answer() -> None:
    chunked_head = head(200, "text/event-stream", "Transfer-Encoding: chunked")
    response = answer(chunked_head, chunked(chunk("42", "stop")), stream=True)
    assert response.choices[0].text == "42"


SLOW: list[Step] = [step for byte in b"HTTP/1.1 200 OK" * 9 for step in (bytes([byte]), 0.05)]


@pytest.mark.parametrize(
    "script",
    [SLOW, [SSE_HEAD, *[step for _ in range(99) for step in (b": ping\n\n", 0.05)]]],
    ids=["head byte by byte", "comments only"],
)
def test_a_trickle_ends_with_the_total_time(script: Script) -> None:
    limits = Timeouts(connect=2, read=1, write=2, total=0.3)
    failed = failure(*script, stream=True, timeouts=limits)
    assert failed.kind is FailureKind.TOTAL_TIMEOUT
    assert "0.3 s" in failed.message


def test_an_endless_stream_ends_at_the_cap() -> None:
    failed = failure(SSE_HEAD, *[chunk("x" * 50_000)] * 100, stream=True, cap=1_000_000)
    assert failed.kind is FailureKind.TOO_LARGE
    assert failed.partial is not None


def test_a_gzip_bomb_is_defused_in_bounded_memory() -> None:
    """A megabyte of zeros, flushed, is a block that can stand there a thousand times."""
    deflate = zlib.compressobj(wbits=31)
    first = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(bytes(2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    bomb = first + block * 1000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failed = failure(whole(bomb, 200, "application/json", *GZIP), cap=8 * 2**20)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert failed.kind is FailureKind.BOMB
    assert grown < 64 * 1024  # kilobytes


def test_negative_usage_is_unknown_and_not_a_number() -> None:
    usage = {"prompt_tokens": -5, "completion_tokens": 2.5, "total_tokens": "9"}
    assert answer(whole(completion(usage=usage))).usage == Usage()


def send_to(provider: Provider) -> Failure:
    async def run() -> Exchange:
        async with Client([provider], {}, mode=Mode.LIVE) as client:
            return await client(Request("p", "m", ()), scheduled_ns=0)

    result = asyncio.run(run()).result
    assert isinstance(result, Failure)
    return result


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_a_refused_connection_is_a_connect_failure() -> None:
    failed = send_to(Provider("p", f"http://127.0.0.1:{free_port()}/v1"))
    assert failed.kind is FailureKind.CONNECT
    assert failed.timing is not None
    assert failed.timing.sent_ns is None


def test_a_host_without_tls_is_a_tls_failure() -> None:
    async def run() -> Exchange:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        provider = Provider("p", f"https://127.0.0.1:{port}/v1")
        async with server, Client([provider], {}, mode=Mode.LIVE) as client:
            return await client(Request("p", "m", ()), scheduled_ns=0)

    result = asyncio.run(run()).result
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.TLS


def test_a_connection_that_is_not_taken_is_a_connect_timeout() -> None:
    """A full backlog drops further handshakes without a word."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(full.getsockname())
            waiting.append(caller)
        limits = Timeouts(connect=0.2, read=1, write=1, total=5)
        base_url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        failed = send_to(Provider("p", base_url, timeouts=limits))
        for caller in waiting:
            caller.close()
    assert failed.kind is FailureKind.CONNECT_TIMEOUT


# Secrets

FORMS = [KEY, base64.b64encode(KEY.encode()).decode(), quote(KEY, safe="")]


def everything(exchange: Exchange) -> str:
    return repr(exchange)


@pytest.mark.parametrize("form", FORMS, ids=["plain", "base64", "url"])
@pytest.mark.parametrize(
    "script",
    [
        lambda key: [whole(completion(f"your key is {key}", id=key, model=key))],
        lambda key: [whole(json.dumps({"error": {"message": key}}).encode(), 401)],
        lambda key: [whole(f"<html>{key}".encode(), 500, "text/html")],
        lambda key: [whole(("x" * 490 + key).encode(), 500, "text/html")],
        lambda key: [whole(("x" * 185 + key).encode())],
        lambda key: [whole(key.encode(), 200, "text/plain")],
        lambda key: [whole(completion(), 200, "application/json", f"X-Trace-Id: {key}")],
        lambda key: [whole(b"", 302, "text/html", f"Location: https://x/?k={key}")],
        lambda key: [SSE_HEAD, chunk(key[:5]), chunk(key[5:], "stop")],
        lambda key: [SSE_HEAD, chunk("", "", reasoning=key[:5]), chunk("", "", reasoning=key[5:])],
        lambda key: [SSE_HEAD, f"data: {key}\n\n".encode()],
        lambda key: [head(200, f"text/{key}")],
    ],
)
def test_an_echoed_key_is_taken_out_of_all_that_is_kept(
    script: Callable[[str], Script], form: str
) -> None:
    (exchange,), _ = ask(script(form), key=KEY, stream=True)
    assert form not in everything(exchange)
    assert form[:8] not in everything(exchange), "half a key is too much"
    assert "[secret]" in everything(exchange)


# Cancellation


def test_cancelling_ends_a_request_and_leaves_the_client_usable() -> None:
    server = Scripted([[SSE_HEAD, chunk("4"), 30.0], [whole(completion())]], keep_alive=True)

    async def run() -> Exchange:
        async with server.listening() as base_url:
            provider = Provider("p", base_url)
            async with Client([provider], {}, mode=Mode.LIVE) as client:
                request = Request("p", "m", ())
                pending: Awaitable[Exchange] = client(request, scheduled_ns=0)
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(pending, 0.2)
                return await client(request, scheduled_ns=0)

    assert isinstance(asyncio.run(run()).result, Response)
    assert server.connections == 2
