"""What the server did, by its own log: the simulator's, or another server's table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stepeval.simulator.truth import read_truth


@dataclass(frozen=True, slots=True)
class Served:
    """One completion. ``*_ns`` are the server's ``CLOCK_MONOTONIC``, so of the same machine.

    ``first_ns`` and ``last_ns``: just before the first and the last of ``chunks`` were written.
    """

    read_ns: int
    first_ns: int
    last_ns: int
    chunks: int


def read_log(path: Path) -> Mapping[str, Served]:
    """By request id. A file named ``*.tsv`` is a table, any other one a truth log."""
    if path.suffix == ".tsv":
        return dict(_table(path.read_text("ascii").splitlines()))
    return dict(_truths(path))


def _truths(path: Path) -> Iterator[tuple[str, Served]]:
    for truth in read_truth(path):
        if truth.request_id is None or truth.first_ns is None or not truth.complete:
            continue
        last_ns = truth.read_ns + truth.offsets_us[-1] * 1000
        if len(truth.offsets_us) == 1:
            last_ns = truth.first_ns  # and not a microsecond's fraction before it
        yield (
            truth.request_id,
            Served(truth.read_ns, truth.first_ns, last_ns, len(truth.offsets_us)),
        )


def _table(lines: Iterable[str]) -> Iterator[tuple[str, Served]]:
    """Columns: request id, read, first and last write in ns, 1 if streamed, number of chunks."""
    for line in lines:
        name, read_ns, first_ns, last_ns, _, chunks, *_ = line.split("\t")
        yield name, Served(int(read_ns), int(first_ns), int(last_ns), int(chunks))
