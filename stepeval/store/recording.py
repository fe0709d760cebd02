"""A cassette in the making: a journal in the run's folder, which an interrupted run goes on with.

Answers come in any order, and a cassette has but one: it is written from the journal at the end,
all at once.
"""

import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from stepeval.core.errors import StoreError, UsageError
from stepeval.core.record import RunInfo
from stepeval.store.cassette import BEGINNING, LARGEST, write_head
from stepeval.store.cassette_entry import Asked, Entry, read_entry, write_entry
from stepeval.store.checked_json import BadJson

JOURNAL = "recording.jsonl"
_WRITTEN = b'{"written": true}\n'  # what a journal comes to
_HEAD_ROOM = 1024 * 1024


@dataclass(slots=True)
class _Life:
    """Where one cell's attempts stand in the journal, the first one first."""

    asked: Asked
    spans: list[tuple[int, int]] = field(default_factory=list)
    last: int = 0

    def add(self, attempt: int, span: tuple[int, int]) -> None:
        if attempt <= self.last:  # a resumed run began the cell anew
            self.spans.clear()
        self.spans.append(span)
        self.last = attempt


class Recording:
    """Open for as long as the run goes on; ``run`` is its folder. ``written``: the cassette of
    this run is, by an earlier session.

    Raises:
        StoreError: The journal cannot be made, or an entry (from :meth:`add`) not be written.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / JOURNAL
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        try:
            self._file: BinaryIO = os.fdopen(os.open(self._path, flags, 0o600), "r+b")
            self._drop_torn_line()
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be written: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # add() has told it, and what is torn the next session cuts off
            self._file.close()

    def add(self, entry: Entry) -> None:
        try:
            self._file.write(write_entry(entry))
            self._file.flush()
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be written: {error.strerror}") from error

    def lacks(self, done: Collection[str]) -> set[str]:
        """Which of these cells' ids it has no exchange of."""
        return set(done) - self._lives().keys()

    def finish(self, target: Path, info: RunInfo, recorded_at: float) -> int:
        """Writes the cassette and ends the journal; returns how many entries it has.

        What was at ``target`` before stays there until the new one is whole.

        Raises:
            StoreError: The cassette would be larger than one may be, or cannot be written.
        """
        spans = [
            span
            for _, life in sorted(self._lives().items(), key=lambda each: (each[1].asked, each[0]))
            for span in life.spans
        ]
        size = sum(length for _, length in spans)
        if size > LARGEST - _HEAD_ROOM:
            raise StoreError(
                f"{target} is not written: it would have {size >> 20} MiB, and a cassette may "
                f"have {LARGEST >> 20}; record fewer requests, by --limit or --arm"
            )
        head = write_head(info, recorded_at, len(spans), self._at(spans))
        try:
            _replace(target, head, self._at(spans))
        except OSError as error:
            raise StoreError(
                f"{target}: cannot be written: {error.strerror}; nothing is lost: "
                f"stepeval resume {info.id} --record FILE writes it"
            ) from error
        with suppress(OSError):  # else it is only written again
            _replace(self._path, _WRITTEN, iter(()))
        return len(spans)

    def _lives(self) -> dict[str, _Life]:
        found: dict[str, _Life] = {}
        self._file.seek(0)
        start = 0
        for line in self._file:
            span = (start, len(line))
            start += len(line)
            try:
                entry = read_entry(line)
            except BadJson as error:
                raise StoreError(f"{self._path}: is damaged ({error}): record a new run") from None
            found.setdefault(entry.cell, _Life(entry.asked)).add(entry.attempt, span)
        return found

    def _at(self, spans: list[tuple[int, int]]) -> Iterator[bytes]:
        for start, length in spans:
            self._file.seek(start)
            yield self._file.read(length)

    def _drop_torn_line(self) -> None:
        """A process that was killed may have left half of its last line."""
        end = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
        self._file.truncate(end)
        self._file.seek(0)
        self.written = self._file.read(len(_WRITTEN)) == _WRITTEN
        self._file.seek(end)


def _replace(target: Path, head: bytes, lines: Iterator[bytes]) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(head)
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def check_target(path: Path) -> None:
    """Raises UsageError where no cassette can be written, before anything is paid for."""
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"has no folder {path.parent}"
        raise UsageError(f"--record {path} {what}; name a file in a folder that is there")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"--record {path}: nothing can be written in {path.parent}")
    if path.exists() and not _is_ours(path):
        raise UsageError(f"--record {path} is there and no cassette: it is not overwritten")


def _is_ours(path: Path) -> bool:
    """A cassette, or nothing yet."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            beginning = file.read(len(BEGINNING))
    except OSError:
        return False
    return beginning in (b"", BEGINNING)
