"""``python -m benchmarks.long_answers``: the null server, with 2 KB of real text as its answer.

It prints its address as a line of JSON and serves until its standard input ends.
"""

import asyncio
import json
import sys
from pathlib import Path

from stepeval.simulator.null import NullConfig, NullServer

_PAGE = Path(__file__).parents[1] / "docs" / "timing.md"


def text(start: int, length: int) -> str:
    """A passage of this project's documentation: it compresses as prose does."""
    page = _PAGE.read_text("utf-8")
    start %= len(page) - length
    return page[start : start + length]


async def _serve() -> None:
    server = NullServer(NullConfig(content=text(0, 2_000)))
    port = await server.start()
    print(json.dumps({"base_url": f"http://127.0.0.1:{port}/v1"}), flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    await ended.wait()
    await server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
