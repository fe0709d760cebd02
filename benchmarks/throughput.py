"""Evaluations a second (render, send, parse, store durably, score), and what they weigh."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bars import Bar
from benchmarks.processes import Cost, measure, simulator, stepeval
from benchmarks.suites import write_suite

_CONCURRENCY = 100


def bars(folder: Path, *, many: int) -> Iterator[Bar]:
    """``many``: the large run that memory is compared at."""
    few = 5_000
    with simulator(speed=0) as url:
        raw = asyncio.run(_raw_rate(url, requests=few))
        small = _evaluate(folder, url, samples=few)
        yield Bar(
            f"{few:,} evaluations, whole process, no report",
            few / small.seconds,
            400,
            "/s",
            f"raw asyncio sockets, sending alone: {raw:,.0f}/s",
            at_least=True,
        )
        yield Bar("their peak memory", small.peak_mb, 200, "MB", "")
        large = _evaluate(folder, url, samples=many)
    yield Bar(
        f"memory that {many:,} evaluations add",
        large.peak_mb - small.peak_mb,
        150,
        "MB",
        f"{many / large.seconds:,.0f}/s over the whole process",
    )


def _evaluate(folder: Path, url: str, *, samples: int) -> Cost:
    suite = write_suite(folder / f"n{samples}.yaml", samples=samples, concurrency=_CONCURRENCY)
    return measure(stepeval("run", str(suite), "--base-url", url, "--no-report"), folder=folder)


async def _raw_rate(url: str, *, requests: int) -> float:
    """The same requests from bare sockets: nothing is rendered, parsed, stored or scored."""
    address = urlsplit(url)
    assert address.hostname is not None
    began = time.perf_counter()
    numbers = iter(range(requests))

    async def worker() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for number in numbers:
            writer.write(_request(number))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_content_length(head))
        writer.close()

    await asyncio.gather(*(worker() for _ in range(_CONCURRENCY)))
    return requests / (time.perf_counter() - began)


def _request(number: int) -> bytes:
    messages = [{"role": "user", "content": f"What is {number} + 1?"}]
    body = json.dumps({"model": "step-3.7-flash", "messages": messages, "max_tokens": 16}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}"
    return f"{head}\r\ncontent-type: application/json\r\n\r\n".encode() + body


def _content_length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next(int(value) for name, _, value in lines if name == b"content-length")
