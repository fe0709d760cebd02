"""Any split of the bytes gives the same events."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.client.faults import BadBody
from stepeval.client.sse import EventParser
from stepeval.client.stamps import Read
from stepeval.core.chat import FailureKind


def events(*pieces: bytes, cap: int = 1000) -> list[str]:
    parser = EventParser(cap)
    fed = (parser.feed(piece, Read(at, 0)) for at, piece in enumerate(pieces, 1))
    found = [event.data for events in fed for event in events]
    return found + [event.data for event in parser.end()]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", ["a"]),
        (b"data:a\r\n\r\ndata: b\r\r", ["a", "b"]),
        (b"data: a\ndata:  b\n\n", ["a\n b"]),
        (b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", ["a\nb", "c"]),
        (b": ping\n\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]),
        (b"\xef\xbb\xbfdata: a\n\n", ["a"]),
        (b"data\n\n", [""]),
        (b"data: a", ["a"]),
        (b"data: a\n", ["a"]),
        (b"nothing here\n\n\n\n", []),
        ("data: \u2028 \x0b \x85 \U0001f600\n\n".encode(), ["\u2028 \x0b \x85 \U0001f600"]),
        (b"database: a\n\n", []),
    ],
)
def test_lines_become_events(stream: bytes, expected: list[str]) -> None:
    assert events(stream) == expected
    assert events(*(stream[i : i + 1] for i in range(len(stream)))) == expected


LINES = st.lists(
    st.tuples(
        st.sampled_from(["data: ", "data:", ": ", "id: ", ""]),
        st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6),
        st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"]),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=300)
@given(lines=LINES, cuts=st.lists(st.integers(0, 200), max_size=12))
def test_any_split_gives_the_same_events(
    lines: list[tuple[str, str, str]], cuts: list[int]
) -> None:
    stream = "".join(field + text + end for field, text, end in lines).encode()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]
    assert events(*pieces, cap=10_000) == events(stream, cap=10_000)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.binary(max_size=40)))
def test_any_bytes_are_events_or_a_named_error(pieces: list[bytes]) -> None:
    try:
        events(*pieces)
    except BadBody as fault:
        assert fault.kind in {FailureKind.BAD_STREAM, FailureKind.TOO_LARGE}  # noqa: PT017 - either


def test_an_event_bears_the_read_that_completed_it() -> None:
    parser = EventParser()
    early, late, last = Read(10, 5), Read(20, 10), Read(30, 20)
    assert parser.feed(b"data: a", early) == []
    (first,) = parser.feed(b"\n\n", late)
    assert (first.read, first.coalesced) == (late, False)
    second, third = parser.feed(b"data: b\n\ndata: c\n\n", last)
    assert (second.read, second.coalesced, third.coalesced) == (last, True, True)


def test_feeds_of_one_read_are_told_to_share_it() -> None:
    parser = EventParser()
    parser.feed(b"data: a\n\n", Read(10, 5))
    (event,) = parser.feed(b"data: b\n\n", Read(10, 5))
    assert event.coalesced


def test_a_read_of_one_line_is_read_as_any_other() -> None:
    """There is a short way for it, and it must not be taken in the middle of an event."""
    assert events(b"data: a\n\n", b"data: b\n\n") == ["a", "b"]
    assert events(b"data: a\n", b"data: b\n\n") == ["a\nb"]
    assert events(b"x", b"data: b\n\n") == []
    assert events(b"data: a\n\n", b"data: b\rdata: c\n\n") == ["a", "b\nc"]


@pytest.mark.parametrize("piece", [b"data: " + b"x" * 50, b"x" * 50, b"data: x\n"])
def test_an_event_that_never_ends_is_too_large(piece: bytes) -> None:
    with pytest.raises(BadBody, match="above 1,000 bytes") as error:
        events(*[piece] * 2000)
    assert error.value.kind is FailureKind.TOO_LARGE


def test_many_small_events_are_never_too_large() -> None:
    assert len(events(*[b"data: x\n\n: ping\n"] * 2000)) == 2000


def test_invalid_utf8_is_named() -> None:
    with pytest.raises(BadBody, match="not valid UTF-8") as error:
        events(b"data: \xff\n\n")
    assert error.value.kind is FailureKind.BAD_STREAM
