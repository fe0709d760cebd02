"""From bytes on a socket to a result: whatever comes, it is a Response or a named Failure."""

import gzip
import json
from itertools import pairwise

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.client.faults import BadBody
from stepeval.client.http1 import ResponseHead, ResponseParser
from stepeval.client.reception import Head, Reception
from stepeval.client.stamps import Read
from stepeval.core.chat import Failure, FailureKind, Response, Timing

CAP = 20_000


def event(text: str, tokens: int) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": ""}
    chunk = {"id": "1", "choices": [choice], "usage": {"completion_tokens": tokens}}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def whole(kind: str, body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: " + kind.encode(), *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def chunked(*pieces: bytes) -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


ANSWER = json.dumps({"choices": [{"message": {"content": "42"}, "finish_reason": "stop"}]}).encode()
SEEDS = [
    chunked(event("4", 1), event("2", 2), b"data: [DONE]\n\n"),
    whole("application/json", ANSWER),
    whole("application/json", gzip.compress(ANSWER), b"Content-Encoding: gzip"),
    whole("text/html", b"<html>no</html>"),
    b"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}",
]

Change = tuple[str, int, bytes]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["put in", "take out", "write over", "repeat"]),
        st.integers(0, 600),
        st.binary(min_size=1, max_size=8)
        | st.sampled_from([b"\r\n", b"\n\n", b"data: ", b"{", b'"', b"\xff", b"0\r\n\r\n", b"-1"]),
    ),
    max_size=5,
)


def changed(response: bytes, changes: list[Change]) -> bytes:
    for what, at, piece in changes:
        place = min(at, len(response))
        if what == "put in":
            response = response[:place] + piece + response[place:]
        elif what == "take out":
            response = response[:place] + response[place + len(piece) :]
        elif what == "write over":
            response = response[:place] + piece + response[place + len(piece) :]
        else:
            response = response[:place] + response[max(0, place - 50) :]
    return response


def received(pieces: list[bytes]) -> Response | Failure | None:
    """None where not even a head came, or more than HTTP allows."""
    parser, reception = ResponseParser(), None
    try:
        for number, piece in enumerate(pieces, 1):
            parser.feed(piece)
            if parser.head is not None and reception is None:
                reception = Reception(said(parser.head), Timing(0, 1, 2, None), CAP, str)
            body = parser.take_body()
            if reception is not None and body and reception.feed(body, Read(number * 10, 0)):
                break
        return None if reception is None else reception.end()
    except BadBody as fault:
        assert reception is not None
        return reception.refuse(fault)
    except httpx.RemoteProtocolError as error:
        kind = FailureKind.PROTOCOL
        return None if reception is None else reception.cut(kind, str(error))


def said(head: ResponseHead) -> Head:
    fields = {
        name.lower().decode("latin-1"): value.decode("latin-1") for name, value in head.headers
    }
    return Head(head.status, fields.get("content-type", ""), fields.get("content-encoding", ""))


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(SEEDS), CHANGES, st.lists(st.integers(0, 800), max_size=6))
def test_a_damaged_response_is_a_response_or_a_named_failure(
    seed: bytes, changes: list[Change], cuts: list[int]
) -> None:
    response = changed(seed, changes)
    places = [0, *sorted(min(cut, len(response)) for cut in cuts), len(response)]
    result = received([response[a:b] for a, b in pairwise(places) if a < b])
    if isinstance(result, Failure):
        assert result.message
        assert len(result.message) <= 500
    elif isinstance(result, Response):
        arrivals = [chunk.arrival_ns for chunk in result.timing.chunks]
        assert arrivals == sorted(arrivals)


@settings(deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.integers(0, 800), max_size=10))
def test_where_it_is_cut_changes_nothing_but_times(seed: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(seed)) for cut in cuts), len(seed)]
    pieces = [seed[a:b] for a, b in pairwise(places) if a < b]
    whole_one, cut_one = received([seed]), received(pieces)
    assert type(whole_one) is type(cut_one)
    if isinstance(whole_one, Response) and isinstance(cut_one, Response):
        assert cut_one.choices == whole_one.choices
        assert cut_one.usage == whole_one.usage
