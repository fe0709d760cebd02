"""``python -m benchmarks.writer FOLDER CELLS``: fills a run, or the rest of it, and nothing else.

It prints a cell's id once both of its attempts are on disk, each line by one write(2), and
``refused:`` with the sentence before it ends with 4. ``--largest-file`` is the size in bytes beyond
which the kernel lets no file of this process grow; ``--at-once``: cells written concurrently.
"""

import argparse
import asyncio
import os
import resource
import sys
from pathlib import Path

from stepeval.core.chat import Choice, Chunk, ChunkKind, Exchange, Response, Timing, Usage
from stepeval.core.errors import StoreError
from stepeval.core.record import Attempt, Mode, RunInfo
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite
from stepeval.store.run import RunEvent, RunStore, create_run, open_run

ARM = Arm("a", "p", "m", "q")
INFO = RunInfo("run", "s", "h", Mode.LIVE, 1.0, "h", {}, "c")
_CHUNKS = tuple(Chunk(n * n, n, ChunkKind.ANSWER, 0, n) for n in range(50))
_ANSWER = Response(None, None, (Choice(0, "y" * 500),), Usage(), Timing(1, 2, 3, 4, _CHUNKS))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writer", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cells", type=int)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--largest-file", type=int)
    chosen = parser.parse_args()
    samples = tuple(Sample(str(number), "x") for number in range(chosen.cells))
    suite = Suite("s", (Provider("p", "http://h"),), (Prompt("q", ()),), samples, (ARM,))
    try:
        store = _opened(chosen.folder, suite)
        if chosen.largest_file:
            limit = chosen.largest_file
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        asyncio.run(_fill(store, suite, chosen.at_once))
        store.finish(RunEvent.COMPLETED, 2.0)
        store.close()
    except StoreError as error:
        _say(f"refused: {error}")
        os._exit(4)  # the store is not closed: a process that dies of a full disk does not, either


def _opened(folder: Path, suite: Suite) -> RunStore:
    here = (folder / "run").exists()
    return open_run(folder / "run") if here else create_run(folder, INFO, suite)


async def _fill(store: RunStore, suite: Suite, at_once: int) -> None:
    done = store.done_cells()
    missing = (sample for sample in suite.samples if sample.id not in done)

    async def work() -> None:
        for sample in missing:
            for number, final in ((1, False), (2, True)):
                attempt = Attempt(number, 1.0, 1, 2, Exchange("u", "{}", _ANSWER))
                await store.add_attempt(Cell(sample.id, ARM, sample), attempt, final=final)
            _say(sample.id)

    await asyncio.gather(*(work() for _ in range(at_once)))


def _say(line: str) -> None:
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


if __name__ == "__main__":
    main()
