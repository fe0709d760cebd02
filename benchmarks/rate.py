"""Whether requests leave when they are due, however long the answers take."""

from collections.abc import Iterator

from benchmarks.accuracy import percentile
from benchmarks.bars import Bar
from benchmarks.loads import run_load
from benchmarks.servers import Timing, null_server

_RATE = 200.0
_TIMING = Timing(ttft_ms=100, gap_ms=10, chunks=16)


def bars(*, quick: bool) -> Iterator[Bar]:
    requests = 400 if quick else 2_000
    yield Bar(
        f"schedule lag p99 of streams at {_RATE:.0f}/s, null server",
        _lag_ms("own", requests),
        2.0,
        "ms",
        f"raw asyncio {_lag_ms('raw', requests):.2f}",
    )


def _lag_ms(client: str, requests: int) -> float:
    with null_server.serve(_TIMING, None) as url:
        load = run_load(client, url, concurrency=1, requests=requests, rate=_RATE)
    return percentile(load.lags_ns, 0.99) / 1e6
