"""Any split of a response gives the same response, and no bytes do worse than a named error."""

from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import pairwise

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.client.http1 import (
    ClosedEarly,
    ExtraResponse,
    LongHead,
    ResponseParser,
    encode_request,
)

BODY = bytes(range(256)) * 3


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 768\r\nX-A: b\r\n\r\n" + BODY,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(BODY[:5], BODY[5:]),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 768\r\n\r\n" + BODY,
    b"HTTP/1.1 200 OK\r\n\r\n" + BODY,  # to the connection's end
]


def fed(pieces: list[bytes]) -> tuple[int, bytes, bool]:
    parser = ResponseParser()
    body = b""
    for piece in pieces:
        parser.feed(piece)
        body += parser.take_body()
    reusable = parser.reusable
    parser.end()
    assert parser.head is not None
    return parser.head.status, body, reusable


@settings(deadline=None)
@given(st.sampled_from(RESPONSES), st.lists(st.integers(0, 900), max_size=15))
def test_any_split_gives_the_same_response(response: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(response)) for cut in cuts), len(response)]
    pieces = [response[a:b] for a, b in pairwise(places) if a < b]
    assert fed(pieces) == (200, BODY, response is not RESPONSES[-1])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.binary(max_size=60) | st.sampled_from(RESPONSES), max_size=6))
def test_any_bytes_are_a_response_or_a_named_error(pieces: list[bytes]) -> None:
    with suppress(httpx.RemoteProtocolError):
        fed([piece for piece in pieces if piece])


@given(st.integers(1, 700))
def test_a_response_cut_short_is_no_response(cut: int) -> None:
    parser = ResponseParser()
    parser.feed(RESPONSES[0][:-cut])
    with pytest.raises(ClosedEarly):
        parser.end()


@pytest.mark.parametrize(
    "more", [RESPONSES[0], b"HTTP", b"\x00"], ids=["a second one", "its beginning", "rubbish"]
)
def test_more_than_was_asked_for_is_named(more: bytes) -> None:
    with pytest.raises(ExtraResponse):
        ResponseParser().feed(RESPONSES[0] + more)


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nA: ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" * 100),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ", b"a" * 1000),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a" * 1000),
    ],
    ids=["one header", "headers", "trailer", "chunk extension"],
)
def test_framing_without_end_is_bounded(begin: bytes, more: bytes) -> None:
    parser = ResponseParser()
    parser.feed(begin)
    for _ in range(60_000 // len(more)):
        parser.feed(more)
    with pytest.raises(LongHead):
        parser.feed(more * 10)


def test_a_long_body_is_no_long_head() -> None:
    parser = ResponseParser()
    parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    for _ in range(1000):
        parser.feed(bytes(1000))
        parser.take_body()
    assert parser.complete


def test_a_parser_serves_one_response_after_the_other() -> None:
    parser = ResponseParser()
    for response in RESPONSES[:3]:
        parser.next()
        assert parser.silent
        parser.feed(response)
        assert parser.take_body() == BODY
        assert parser.reusable


def test_a_request_is_written_as_it_was_made() -> None:
    request = httpx.Request("POST", "http://h:1/a?b=c", headers={"x-a": "b"}, content=b"{}")
    assert encode_request(request, b"{}") == (
        b"POST /a?b=c HTTP/1.1\r\nHost: h:1\r\nx-a: b\r\nContent-Length: 2\r\n\r\n{}"
    )


def test_a_body_that_was_streamed_is_sent_with_its_length() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"{}"

    request = httpx.Request("POST", "http://h/", content=pieces())
    sent = encode_request(request, b"{}")
    assert b"chunked" not in sent
    assert sent.endswith(b"Content-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\nb", "a\rb"])
def test_no_header_becomes_two(value: str) -> None:
    request = httpx.Request("POST", "http://h/", headers={"x-a": value}, content=b"")
    with pytest.raises(httpx.LocalProtocolError):
        encode_request(request, b"")
