"""The null server: what it sends, when, and what it says that it did."""

import asyncio
import json
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.core.errors import UsageError
from stepeval.simulator import canned
from stepeval.simulator.null import NullConfig, NullServer
from stepeval.simulator.truth import Truth, read_truth

Result = TypeVar("Result")
PATH = "/v1/chat/completions"


def request(body: str = "{}", name: str = "r", extra: str = "") -> bytes:
    head = f"POST {PATH} HTTP/1.1\r\nHost: here\r\nX-Request-Id: {name}\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


STREAM = '{"stream": true}'


def run(main: Coroutine[None, None, Result]) -> Result:
    """A server that forgets somebody would be waited for without end."""
    return asyncio.run(asyncio.wait_for(main, 30))


class Talk:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def head(self) -> str:
        return (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()

    async def whole(self) -> tuple[str, bytes]:
        head = await self.head()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        return head, await self.reader.readexactly(length)

    async def events(self) -> AsyncIterator[bytes]:
        """Of a body in HTTP's chunks."""
        while size := int(await self.reader.readline(), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()


@asynccontextmanager
async def served(config: NullConfig) -> AsyncIterator[Callable[[], Awaitable[Talk]]]:
    server = NullServer(config)
    port = await server.start()
    talks: list[Talk] = []

    async def dial() -> Talk:
        talks.append(Talk(*await asyncio.open_connection("127.0.0.1", port)))
        return talks[-1]

    try:
        yield dial
    finally:
        await server.close()
        for talk in talks:
            talk.writer.close()


def by_id(path: Path) -> dict[str | None, Truth]:
    return {truth.request_id: truth for truth in read_truth(path)}


def test_an_answer_is_a_chat_completion_and_says_that_it_is_simulated() -> None:
    async def main() -> None:
        async with served(NullConfig(content="hello")) as dial:
            talk = await dial()
            for _ in range(2):  # the connection lives on
                talk.writer.write(request())
                head, body = await talk.whole()
                assert head.startswith("http/1.1 200")
                assert "x-stepeval-simulator: " in head
                assert json.loads(body)["choices"][0]["message"]["content"] == "hello"
            talk.writer.write(b"GET /v1/models HTTP/1.1\r\n\r\n")
            head, body = await talk.whole()
            assert "x-stepeval-simulator: " in head
            assert json.loads(body)["data"]
            talk.writer.write(b"GET /elsewhere HTTP/1.1\r\n\r\n")
            assert (await talk.head()).startswith("http/1.1 404")

    run(main())


@pytest.mark.parametrize("gap_ms", [0, 1])
def test_a_stream_is_stepfuns_with_usage_growing_in_each_chunk(gap_ms: float) -> None:
    async def main() -> None:
        async with served(NullConfig(chunks=4, gap_ms=gap_ms)) as dial:
            talk = await dial()
            talk.writer.write(request(STREAM))
            assert "text/event-stream" in await talk.head()
            events = [event async for event in talk.events()]
            assert events.pop() == b"data: [DONE]\n\n"
            chunks = [json.loads(event.removeprefix(b"data: ")) for event in events]
            assert [chunk["usage"]["completion_tokens"] for chunk in chunks] == [1, 2, 3, 4]
            reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
            assert reasons == ["", "", "", "stop"]
            talk.writer.write(request())  # and the connection lives on
            await talk.whole()

    run(main())


def test_what_the_log_says_lies_between_what_a_client_sees(tmp_path: Path) -> None:
    """The stamps are taken before the write, so no client can have seen a chunk earlier."""
    log = tmp_path / "truth.jsonl"

    async def ask(talk: Talk, name: str, seen: dict[str, list[int]]) -> None:
        stamps = [time.monotonic_ns()]
        talk.writer.write(request(STREAM, name))
        await talk.head()
        stamps += [time.monotonic_ns() async for _ in talk.events()]
        seen[name] = stamps

    async def main() -> dict[str, list[int]]:
        config = NullConfig(ttft_ms=30, gap_ms=5, chunks=6, truth_log=log)
        seen: dict[str, list[int]] = {}
        async with served(config) as dial:
            await asyncio.gather(*[ask(await dial(), str(n), seen) for n in range(20)])
        return seen

    seen = run(main())
    truths = by_id(log)
    assert truths.keys() == seen.keys()
    for name, (sent_ns, *arrivals) in seen.items():
        truth = truths[name]
        written = [truth.read_ns + offset * 1000 for offset in truth.offsets_us]
        assert sent_ns <= truth.read_ns + 1_000_000  # two clocks were compared
        assert len(written) == 6
        pairs = zip(written, arrivals, strict=False)  # the last arrival is [DONE]'s
        assert all(wrote <= saw for wrote, saw in pairs)
        assert truth.first_ns is not None
        assert truth.first_ns - truth.read_ns >= 30e6
        assert truth.last_ns is not None
        assert truth.last_ns - truth.read_ns >= 30e6 + 5 * 5e6  # each write may only be late
        assert truth.complete
        assert truth.body == STREAM


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when bytes arrived")
def test_a_request_counts_from_its_arrival_however_late_it_is_read(tmp_path: Path) -> None:
    """Else the server's own delay would look like an error of the client."""
    log = tmp_path / "truth.jsonl"
    late_s = 0.2

    async def main() -> int:
        async with served(NullConfig(truth_log=log)) as dial:
            talk = await dial()
            talk.writer.write(request(name="warm"))
            await talk.whole()
            talk.writer.write(request(name="late"))
            sent_ns = time.monotonic_ns()
            time.sleep(late_s)  # noqa: ASYNC251 -- it is the server's loop that must stand still
            await talk.whole()
            return sent_ns

    sent_ns = run(main())
    truth = by_id(log)["late"]
    assert truth.read_ns <= sent_ns + late_s / 2 * 1e9
    assert truth.first_ns is not None
    assert truth.first_ns >= sent_ns + late_s * 1e9


def test_a_plain_answer_waits_its_latency(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"

    async def main() -> None:
        async with served(NullConfig(latency_ms=20, truth_log=log)) as dial:
            talk = await dial()
            talk.writer.write(request(name="slow"))
            await talk.whole()

    run(main())
    truth = by_id(log)["slow"]
    assert truth.first_ns is not None
    assert truth.first_ns == truth.last_ns
    assert truth.first_ns - truth.read_ns >= 20e6
    assert len(truth.offsets_us) == 1


def test_requests_sent_ahead_are_answered_in_turn() -> None:
    """Thousands at once, so that none is answered from within the one before it."""
    many = 3000

    async def main() -> None:
        async with served(NullConfig(chunks=2)) as dial:
            talk = await dial()
            talk.writer.write(request(STREAM) + request() * many)
            await talk.head()
            assert len([event async for event in talk.events()]) == 3
            for _ in range(many):
                assert (await talk.whole())[0].startswith("http/1.1 200")

    run(main())


def test_a_request_sent_ahead_waits_for_the_delayed_one_before_it(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"

    async def main() -> None:
        config = NullConfig(latency_ms=5, ttft_ms=5, gap_ms=1, chunks=3, truth_log=log)
        async with served(config) as dial:
            talk = await dial()
            talk.writer.write(request(STREAM, "first") + request(name="second"))
            await talk.head()
            assert len([event async for event in talk.events()]) == 4
            await talk.whole()

    run(main())
    first, second = read_truth(log)
    assert (first.request_id, second.request_id) == ("first", "second")
    assert first.last_ns is not None
    assert second.first_ns is not None
    assert first.last_ns < second.first_ns


def test_a_client_that_reads_late_still_gets_everything() -> None:
    async def main() -> None:
        async with served(NullConfig(chunks=40_000)) as dial:
            talk = await dial()
            talk.writer.write(request(STREAM, extra="Connection: close\r\n") + request())
            await asyncio.sleep(0.05)  # the socket is full by now
            await talk.head()
            events = [event async for event in talk.events()]
            assert len(events) == 40_001
            assert await talk.reader.read() == b""  # closed, as was asked

    run(main())


def test_a_client_that_leaves_is_logged_as_such_and_disturbs_nobody(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"

    async def main() -> None:
        config = NullConfig(ttft_ms=20, gap_ms=2, chunks=3, truth_log=log)
        async with served(config) as dial:
            leaving, staying = await dial(), await dial()
            leaving.writer.write(request(STREAM, "left"))
            staying.writer.write(request(STREAM, "stayed"))
            await asyncio.sleep(0.005)
            leaving.writer.transport.abort()
            await staying.head()
            assert len([event async for event in staying.events()]) == 4

    run(main())
    truths = by_id(log)
    assert truths["stayed"].complete
    assert not truths["left"].complete
    assert truths["left"].first_ns is None


@pytest.mark.parametrize(
    "nonsense",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_what_it_does_not_understand_is_refused_in_words(nonsense: bytes) -> None:
    async def main() -> None:
        async with served(NullConfig()) as dial:
            talk = await dial()
            talk.writer.write(nonsense)
            head, body = await talk.whole()
            assert head.startswith("http/1.1 400")
            assert json.loads(body)["error"]["message"]
            assert await talk.reader.read() == b""

    run(main())


@given(cuts=st.lists(st.integers(0, 200), max_size=5), text=st.text(max_size=20))
def test_a_request_is_found_however_it_arrives(cuts: list[int], text: str) -> None:
    body = json.dumps({"text": text, "stream": True})
    data = request(body) + b"POST"
    whole = canned.find_request(data)
    assert whole is not None
    assert whole.stream
    assert whole.body == body.encode()
    assert data[whole.size :] == b"POST"
    for cut in cuts:
        assert (canned.find_request(data[:cut]) is None) == (cut < whole.size)


@given(text=st.text())
def test_a_prompt_that_speaks_of_streams_asks_for_none(text: str) -> None:
    said = {"content": text + '"stream":true' + text}
    found = canned.find_request(request(json.dumps(said)))
    assert found is not None
    assert not found.stream


def test_impossible_answers_are_refused() -> None:
    with pytest.raises(UsageError, match="1 chunk or more"):
        NullConfig(chunks=0)
    for delay in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="0 or more"):
            NullConfig(ttft_ms=delay)


def test_addresses_and_logs_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    async def start(config: NullConfig, host: str = "127.0.0.1", port: int = 0) -> None:
        await NullServer(config).start(host, port)

    with pytest.raises(UsageError, match="only listens on loopback"):
        run(start(NullConfig(), "0.0.0.0"))
    with pytest.raises(UsageError, match="truth log cannot be written"):
        run(start(NullConfig(truth_log=tmp_path / "none" / "log")))
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(UsageError, match="cannot listen"):
        run(start(NullConfig(), port=taken.getsockname()[1]))
