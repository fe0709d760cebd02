"""``python -m benchmarks.witnessed FILE COMMAND...``: stepeval, and what it knew when it died.

FILE gets a line when an answer is handed over to the writer, and one when its commit has returned.
A line is one write(2), so what was written outlives the process.
"""

import os
import sys
from pathlib import Path
from typing import NamedTuple

from stepeval.cli.main import main
from stepeval.core.record import Attempt
from stepeval.core.task import Cell
from stepeval.store.run import RunStore


class Testimony(NamedTuple):
    """Ids of cells: the writer was given their final answer; it told that it is on disk."""

    handed_over: frozenset[str]
    acknowledged: frozenset[str]


def read_testimony(path: Path) -> Testimony:
    """Nothing where the process died before it could say anything."""
    lines = path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
    said = [line.split() for line in lines]
    return Testimony(
        frozenset(cell for word, cell in said if word == "given"),
        frozenset(cell for word, cell in said if word == "stored"),
    )


def _witness(path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    store = RunStore.add_attempt

    async def stored(self: RunStore, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        if final:
            os.write(file, f"given {cell.id}\n".encode())
        await store(self, cell, attempt, final=final)
        if final:
            os.write(file, f"stored {cell.id}\n".encode())

    RunStore.add_attempt = stored  # type: ignore[method-assign]


if __name__ == "__main__":
    _witness(sys.argv[1])
    main(sys.argv[2:])
