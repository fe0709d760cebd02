"""One client under load, in a process of its own: ``python -m benchmarks.driver raw URL``.

It says that it is ready, waits for a line, and prints what it saw; each as one line of JSON.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from contextlib import suppress
from dataclasses import astuple
from itertools import repeat

from benchmarks.clients import CLIENTS, Ask, Seen, client


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.driver", description=__doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("url")
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--rate", type=float, help="requests a second, whatever is answered")
    parser.add_argument("--whole", action="store_true", help="ask for no streams")
    parser.add_argument("--limit-s", type=float, default=60.0)
    chosen = parser.parse_args()
    _allow_many_files()
    try:
        asyncio.run(_serve(chosen))
    except ModuleNotFoundError as missing:
        _tell(failed=f"{missing.name} is not installed")
    except Exception as error:  # noqa: BLE001 -- of whatever kind, it is a measured client's
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        _tell(failed=f"{type(first).__name__}: {first}")


async def _serve(chosen: argparse.Namespace) -> None:
    async with client(chosen.client)(chosen.url, chosen.concurrency) as ask:
        _tell(ready=True)
        sys.stdin.readline()
        await _measure(ask, chosen)


async def _measure(ask: Ask, chosen: argparse.Namespace) -> None:
    gc.collect()
    gc.freeze()
    seen: list[Seen] = []
    lags_ns: list[int] = []
    began_ns, began_cpu = time.monotonic_ns(), time.process_time()
    with suppress(TimeoutError):
        async with asyncio.timeout(chosen.limit_s):
            if chosen.rate:
                await _open_loop(ask, chosen, seen, lags_ns)
            else:
                await _closed_loop(ask, chosen, seen)
    _tell(
        began_ns=began_ns,
        ended_ns=time.monotonic_ns(),
        cpu_s=time.process_time() - began_cpu,
        seen=[astuple(one) for one in seen],
        lags_ns=lags_ns,
    )


def _tell(**said: object) -> None:
    print(json.dumps(said), flush=True)


async def _closed_loop(ask: Ask, chosen: argparse.Namespace, seen: list[Seen]) -> None:
    """All begin at once, and ask again as soon as they are answered, until all was asked."""
    tickets = repeat(None, chosen.requests)

    async def worker() -> None:
        for _ in tickets:
            one = await ask(not chosen.whole)
            seen.append(one)

    async with asyncio.TaskGroup() as group:
        for _ in range(chosen.concurrency):
            group.create_task(worker())


async def _open_loop(
    ask: Ask, chosen: argparse.Namespace, seen: list[Seen], lags_ns: list[int]
) -> None:
    """At even times; ``lags_ns``: from when a request was due until it was sent."""

    async def one(due_ns: int) -> None:
        answered = await ask(not chosen.whole)
        seen.append(answered)
        lags_ns.append(answered.sent_ns - due_ns)

    began_ns = time.monotonic_ns()
    async with asyncio.TaskGroup() as group:
        for number in range(chosen.requests):
            due_ns = began_ns + round(number * 1e9 / chosen.rate)
            await asyncio.sleep((due_ns - time.monotonic_ns()) / 1e9)
            group.create_task(one(due_ns))


def _allow_many_files() -> None:
    with suppress(ImportError, OSError, ValueError):  # not on every system, not to everyone
        import resource  # noqa: PLC0415 -- Unix only

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
