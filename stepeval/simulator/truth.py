"""What really happened, by the server's own clock: the yardstick for a client's timing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from stepeval.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Truth:
    """One request. ``*_ns`` are ``time.monotonic_ns()`` of the server.

    ``read_ns``: its last byte was read, or had arrived where the kernel said when (null server on
    Linux). ``first_ns``: the first bytes with a token of the answer were written (None: there
    were none); ``last_ns``: the last bytes of the response were.
    ``offsets_us``: when each event of a stream but ``[DONE]`` was written, in microseconds since
    ``read_ns``. ``status`` is None where none was sent. ``complete``: nothing was left unsent when
    the connection ended. ``body`` is the request's, as read.
    """

    request_id: str | None
    read_ns: int
    first_ns: int | None
    last_ns: int | None
    status: int | None
    complete: bool
    offsets_us: tuple[int, ...]
    body: str


class TruthLog:
    """JSON lines, written through a buffer."""

    def __init__(self, path: Path) -> None:
        """Raises UsageError if the file cannot be made."""
        try:
            self._file: BinaryIO = open(path, "ab", 1 << 16, opener=_for_its_owner)  # noqa: SIM115 -- closed with the log; Path.open takes no opener
        except OSError as error:
            raise UsageError(f"the truth log cannot be written: {error}") from error

    def add(self, truth: Truth) -> None:
        self._file.write(orjson.dumps(truth) + b"\n")

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _for_its_owner(path: str, flags: int) -> int:
    """Prompts are in it: nobody else may read them, and no planted link may lead them elsewhere."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def read_truth(path: Path) -> Iterator[Truth]:
    """The log's rows, in the order in which the responses ended."""
    with path.open("rb") as lines:
        for line in lines:
            row = orjson.loads(line)
            yield Truth(**{**row, "offsets_us": tuple(row["offsets_us"])})
