"""What is taken down of a response gives the same answer again, and holds no key."""

import asyncio
import base64
import gzip
import json
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.client.playback import play
from stepeval.client.reception import Head
from stepeval.client.stamps import Read
from stepeval.client.tape import Tape
from stepeval.client.transport import Client
from stepeval.core.chat import (
    Failure,
    FailureKind,
    Message,
    Piece,
    Request,
    Response,
    Taped,
    Timing,
    Wire,
)
from stepeval.core.record import Mode
from stepeval.core.secret import Secret
from stepeval.core.task import Provider, Timeouts
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import running

KEY = "sk-canary/7f3a+Zq9=="
FORMS = (KEY, base64.b64encode(KEY.encode()).decode(), quote(KEY, safe=""))
SECRET = Secret(KEY)
STREAM = Head(200, "text/event-stream")
BODY = '{"model":"m","messages":[]}'


def since_sent(result: Response | Failure) -> Response | Failure:
    """``result`` with its times counted from the send, without the schedule's and the account's."""

    def moved(timing: Timing) -> Timing:
        base = timing.sent_ns or 0
        chunks = tuple(
            replace(c, arrival_ns=c.arrival_ns - base, not_before_ns=c.not_before_ns - base)
            for c in timing.chunks
        )
        headers, done = (
            None if t is None else t - base for t in (timing.headers_ns, timing.done_ns)
        )
        return Timing(None, None if timing.sent_ns is None else 0, headers, done, chunks)

    if isinstance(result, Response):
        return replace(result, timing=moved(result.timing), quota=None)
    partial = result.partial and replace(result.partial, timing=moved(result.partial.timing))
    return replace(
        result, timing=result.timing and moved(result.timing), partial=partial, quota=None
    )


FAULTS = [
    *("500", "429-retry-after", "451", "cut-stream", "broken-sse", "invalid-utf8", "early-close"),
    *("garbage", "huge-line", "gzip-bomb", "wrong-content-type", "two-responses", "usage-last"),
    *("no-usage", "endless-stream", "endless-headers", "slow-headers"),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_a_replay_says_what_the_server_said(fault: str | None, stream: bool) -> None:
    """Every fault of the menu, too: its kind, its message, its partial answer and its times."""
    rates = {} if fault is None else {fault: 1.0}
    config = SimulatorConfig(speed=Speed(ttft_ms=1, itl_ms=0.05), fault_rates=rates)

    async def ask(base_url: str) -> Taped:
        limits = Timeouts(connect=2, first_byte=0.4, read=0.4, write=2, total=3)
        provider = Provider("p", base_url, timeouts=limits)
        keys = {"p": SECRET}
        async with Client(
            [provider], keys, mode=Mode.SIMULATED, body_cap=200_000, record=True
        ) as client:
            request = Request("p", "step-3.7-flash", (Message("user", "hi"),), {"stream": stream})
            exchange = await client(request, scheduled_ns=time.monotonic_ns())
        assert isinstance(exchange, Taped)
        return exchange

    with running(config) as server:
        exchange = asyncio.run(ask(server.base_url))
    assert exchange.wire is not None
    again = play(exchange.wire, 0, cap=200_000)
    assert again == since_sent(exchange.result)
    later = play(exchange.wire, 7, cap=200_000)
    assert since_sent(later) == again


def taped(*pieces: bytes, head: Head = STREAM, body: str = BODY) -> Wire | None:
    tape = Tape()
    tape.sent(100)
    tape.begin(head, {"content-type": head.content_type, "content-encoding": head.encoding}, 120)
    sink = tape.before(lambda _data, _read: False)
    for place, piece in enumerate(pieces):
        sink(piece, Read(130 + place, 120 + place))
    return tape.wire(body, [SECRET])


def event(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}]}).encode() + b"\n\n"


END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cut", [1, 5, 11])
def test_a_key_that_a_server_echoes_is_blotted_out(form: str, cut: int) -> None:
    """Also where one read ends in the middle of it; the pieces keep their sizes and times."""
    said = event(f"you are {form}!") + END
    middle = said.index(form.encode()) + cut
    wire = taped(said[:middle], said[middle:])
    assert wire is not None
    assert [len(piece.data) for piece in wire.pieces] == [middle, len(said) - middle]
    assert b"*" * len(form) in b"".join(piece.data for piece in wire.pieces)
    result = play(wire, 0)
    assert isinstance(result, Response)
    assert result.choices[0].text == f"you are {'*' * len(form)}!"


@pytest.mark.parametrize("form", FORMS)
def test_what_a_key_cannot_be_taken_out_of_is_not_recorded(form: str) -> None:
    in_pieces = [event(form[:6]), event(form[6:]), END]
    assert taped(*in_pieces) is None, "in pieces, each in an event of its own"
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in form)
    assert taped(event("@").replace(b"@", escaped.encode()), END) is None, "escaped"
    packed = replace(STREAM, encoding="gzip")
    assert taped(gzip.compress(event(form) + END), head=packed) is None, "compressed"
    assert taped(event("hi"), END, body=json.dumps({"messages": form})) is None, "in the request"
    assert taped(event("hi"), END) is not None


PACKED = gzip.compress(json.dumps({"debug": KEY}).encode())
HIDDEN = {
    "compressed, in a field that nobody reads": ("gzip", PACKED),
    "the same, cut short": ("gzip", PACKED[:-8]),
    "no such compression": ("gzip", b"whatever"),
    "a compression that nobody undoes": ("br", b"whatever"),
    "escaped": ("", f'data: {{"debug":"\\u{ord(KEY[0]):04x}{KEY[1:]}"}}\n\n'.encode()),
    "slashes escaped": ("", KEY.replace("/", "\\/").encode()),
    "in pieces": ("", f'data: {{"x":[{{"y":"{KEY[:2]}"}}]}}\n\n'
                      f'data: {{"x":[{{"y":"{KEY[2:]}"}}]}}\n\n'.encode()),
    "as HTML": ("", KEY.replace("/", "&#47;").encode()),
    "URL-encoded whole": ("", "".join(f"%{byte:02x}" for byte in KEY.encode()).encode()),
}  # fmt: skip


@pytest.mark.parametrize("how", HIDDEN)
def test_a_key_that_shows_once_it_is_decoded_is_not_recorded(how: str) -> None:
    """Wherever in the body it stands: the client understands but a few of its fields."""
    encoding, body = HIDDEN[how]
    for media in ("text/event-stream", "application/json", "text/html"):
        head = Head(200, media, encoding)
        assert taped(body, head=head) is None, media
        assert encoding == "br" or taped(b"", head=head) is not None, media


@pytest.mark.parametrize("before", ["", "u", "us", "Bearer ", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_within_a_longer_base64_is_blotted_out(
    before: str, encode: Callable[[bytes], bytes]
) -> None:
    """As a proxy echoes an Authorization header. Two letters beside it may share digits with it."""
    said = encode(f"{before}{KEY}, and more".encode())
    wire = taped(event(said.decode()), END)
    assert wire is not None
    left = b"".join(piece.data for piece in wire.pieces).split(b'"content": "')[1].split(b'"')[0]
    assert KEY[1:-1].encode() not in base64.b64decode(left.replace(b"*", b"A"), altchars=b"-_")
    assert left.count(b"*") >= len(KEY) * 8 // 6 - 2


def test_a_wait_that_was_a_date_is_recorded_in_seconds() -> None:
    tape = Tape()
    tape.sent(0)
    headers = {"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT", "server": "x", "x-trace-id": "t"}
    tape.begin(Head(503, retry_after_s=12.5), headers, 1)
    wire = tape.wire(BODY, [])
    assert wire is not None
    assert wire.headers == {"retry-after": "12.500", "x-trace-id": "t"}
    result = play(wire, 0)
    assert isinstance(result, Failure)
    assert (result.kind, result.retry_after_s) == (FailureKind.SERVER, 12.5)


PIECES = st.lists(
    st.builds(
        Piece,
        st.integers(-(10**12), 10**12),
        st.integers(-(10**12), 10**12),
        st.binary(max_size=60) | st.sampled_from([event("hi"), END, b"data: {}\n\n"]),
    ),
    max_size=6,
).map(tuple)
WIRES = st.builds(
    Wire,
    sent=st.booleans(),
    status=st.sampled_from([200, 204, 302, 429, 500, 0, 10**9]),
    headers=st.dictionaries(
        st.sampled_from(["content-type", "content-encoding", "retry-after", "location"]),
        st.sampled_from(["text/event-stream", "application/json", "gzip", "1e999", ""]),
    ),
    headers_ns=st.integers(0, 10**12),
    pieces=PIECES,
    cut=st.none() | st.tuples(st.sampled_from(FailureKind), st.text(max_size=20)),
)


@given(WIRES)
def test_any_recording_is_an_answer_or_a_failure(wire: Wire) -> None:
    assert isinstance(play(wire, 0), Response | Failure)


def test_a_recorded_bomb_goes_off_no_more_than_a_servers() -> None:
    bomb = gzip.compress(bytes(10_000_000))
    wire = Wire(
        sent=True,
        status=200,
        headers={"content-type": "application/json", "content-encoding": "gzip"},
        headers_ns=1,
        pieces=(Piece(2, 1, bomb),),
    )
    result = play(wire, 0, cap=100_000)
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.BOMB
