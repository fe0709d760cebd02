"""What workers report arrives as it was said, however the pipe cuts it."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.api.bench.frames import frame, read_frame
from stepeval.api.bench.job import Command, Order, Report, Told
from stepeval.core.chat import (
    Choice,
    Chunk,
    ChunkKind,
    Exchange,
    Failure,
    FailureKind,
    Response,
    Timing,
    Usage,
)
from stepeval.core.errors import StepevalError
from stepeval.core.load import Health
from stepeval.core.record import Attempt
from stepeval.execution.executor import Execution
from stepeval.execution.measure import Measured

CHUNK = Chunk(10**18 + 7, 10**18, ChunkKind.ANSWER, 0, 3, 0, 2, coalesced=True, stamp="kernel")
TIMING = Timing(10**18, 10**18 + 1, None, None, (CHUNK,))
FAILED = Failure(FailureKind.RATE_LIMIT, "slow down", 429, 1.5, timing=TIMING)


def told(text: str, result: Response | Failure | None = None) -> Report:
    answer = Response("1", "m", (Choice(0, text),), Usage(1, 2), TIMING)
    attempt = Attempt(1, 1.5, 2, 3, Exchange("u", text, result or answer))
    return Report(Told("id", "arm", "key", 4, attempt, final=True))


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


async def read_all(data: list[bytes]) -> list[Report]:
    pipe = asyncio.StreamReader()
    for piece in data:
        pipe.feed_data(piece)
    pipe.feed_eof()
    found = []
    while (report := await read_frame(pipe, Report)) is not None:
        found.append(report)
    return found


@settings(deadline=None)
@given(st.lists(st.text(), max_size=5), st.integers(1, 2000))
def test_any_cut_of_the_bytes_gives_the_same_reports(texts: list[str], size: int) -> None:
    measured = Measured(1, 2, 3, 4, Health((5, 6), 0.5, 1.0), Execution(7, 8, "why", FAILED))
    said = [Report(), *map(told, texts), told("\ud800", FAILED), Report(measured=measured)]
    data = b"".join(map(frame, said))
    assert asyncio.run(read_all(pieces(data, size))) == said


def test_a_report_that_was_cut_off_is_the_end() -> None:
    data = frame(told("whole")) + frame(told("cut"))[:-1]
    assert asyncio.run(read_all([data])) == [told("whole")]


def test_bytes_that_are_no_report_are_told_of() -> None:
    with pytest.raises(StepevalError, match="cannot be read"):
        asyncio.run(read_all([b"\0\0\0\x02{]"]))


def test_a_command_without_an_order_is_the_wish_to_stop() -> None:
    async def check() -> None:
        pipe = asyncio.StreamReader()
        order = Order(1, 2, 3.5, 10**18, 7)
        pipe.feed_data(frame(Command(order)) + frame(Command()))
        assert await read_frame(pipe, Command) == Command(order)
        assert await read_frame(pipe, Command) == Command(None)

    asyncio.run(check())


def test_a_message_without_measure_is_taken_from_nobody() -> None:
    """Four bytes of a worker that went wrong could ask for four gigabytes."""
    with pytest.raises(StepevalError, match="the most that is taken"):
        asyncio.run(read_all([b"\xff\xff\xff\xff"]))
    with pytest.raises(StepevalError, match="the most that is taken"):
        frame(told("x" * 100), largest=100)
