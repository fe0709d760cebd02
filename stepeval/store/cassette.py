"""A cassette: what was asked and what came back, as lines of JSON that can live in git.

The first line is the head: whose suite it was, how many entries follow, and a digest over all of
them. Then a line for each exchange, in the order of url, body, epoch, cell and attempt::

    {"url": ..., "body": {...}, "epoch": 0, "cell": ..., "attempt": 1,
     "sent": true, "status": 200, "headers": {...}, "headers_ns": 12, "pieces": [...], "cut": null}

Times are nanoseconds since the request's first byte was written. A piece of the body is
``{"arrival_ns", "not_before_ns", "stamp", "text"}``, or has ``base64`` for what is no UTF-8.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepeval.core.chat import JsonObject
from stepeval.core.errors import UsageError
from stepeval.core.record import CassetteInfo, Mode, RunInfo
from stepeval.store import checked_json as checked
from stepeval.store.cassette_entry import Asked, Entry, read_entry, to_line
from stepeval.store.checked_json import BadJson

_VERSION = 1
LARGEST = 256 * 1024 * 1024
BEGINNING = b'{"stepeval_cassette":'
_DIGEST = re.compile(r"[0-9a-f]{64}")
_HEAD = frozenset(
    {"stepeval_cassette", "suite", "suite_hash", "mode", "recorded_at", "entries", "digest"}
)


def write_head(info: RunInfo, recorded_at: float, entries: int, lines: Iterable[bytes]) -> bytes:
    """The first line. ``lines`` are the entries, which its digest is over."""
    fields = {
        "stepeval_cassette": _VERSION,
        "suite": info.suite_name,
        "suite_hash": info.suite_hash,
        "mode": info.mode.value,
        "recorded_at": recorded_at,
        "entries": entries,
    }
    return to_line({**fields, "digest": _digest(fields, lines)})


def _digest(head: Mapping[str, Any], lines: Iterable[bytes]) -> str:
    """Against slips and edits by hand; whoever forges a cassette can make a digest, too."""
    found = hashlib.sha256(to_line(head))
    for line in lines:
        found.update(line)
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Slot:
    """An entry that was looked at and folded up again: as values it takes five times the room."""

    asked: Asked
    cell: str
    line: bytes

    def entry(self) -> Entry:
        return read_entry(self.line)


@dataclass(frozen=True, slots=True)
class Cassette:
    info: CassetteInfo
    slots: tuple[Slot, ...]


def read_cassette(path: Path) -> Cassette:
    """The whole file, checked to the last value.

    Raises:
        UsageError: It cannot be read, or is not as it was written: which line, and what of it.
    """
    first, *lines = _content(path)
    with _at_line(path, 1):
        head = checked.parse_object(first)
        info = _read_head(path.name, head)
    _check_digest(path, first, head, lines)
    return Cassette(info, tuple(_slots(path, lines)))


def _slots(path: Path, lines: list[bytes]) -> Iterator[Slot]:
    before: Entry | None = None
    for number, line in enumerate(lines, 2):
        with _at_line(path, number):
            entry = read_entry(line)
            if before is not None and before.place >= entry.place:
                raise BadJson("the entry is out of order; record the cassette again")
        before = entry
        yield Slot(entry.asked, entry.cell, line)


@contextmanager
def _at_line(path: Path, number: int) -> Iterator[None]:
    try:
        yield
    except BadJson as error:
        raise UsageError(f"{path}:{number}: {error}") from None


def _content(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise UsageError(f"{path}: the cassette cannot be read: {reason}") from None
    if len(data) > LARGEST:
        raise UsageError(f"{path}: larger than a cassette may be ({LARGEST >> 20} MiB)")
    if not data.endswith(b"\n"):
        raise UsageError(f"{path}: no whole cassette; record one with --record {path}")
    return [line + b"\n" for line in data[:-1].split(b"\n")]


def _read_head(name: str, head: JsonObject) -> CassetteInfo:
    if head.get("stepeval_cassette") != _VERSION:
        raise BadJson(f"no cassette of version {_VERSION}: it begins with no such head")
    checked.check_names(head, _HEAD)
    checked.text(head, "suite")
    checked.count(head, "entries")
    mode, digest = checked.text(head, "mode"), checked.text(head, "digest")
    if mode not in (Mode.LIVE, Mode.SIMULATED):
        raise BadJson(f"mode must be LIVE or SIMULATED, not {mode[:40]!r}")
    if not _DIGEST.fullmatch(digest):
        raise BadJson("digest must be 64 hexadecimal digits")
    at = checked.seconds(head, "recorded_at")
    return CassetteInfo(name, digest, Mode(mode), at, checked.text(head, "suite_hash"))


def _check_digest(path: Path, first: bytes, head: JsonObject, lines: list[bytes]) -> None:
    unsealed = {name: value for name, value in head.items() if name != "digest"}
    whole = first == to_line(head) and head["entries"] == len(lines)
    if not whole or _digest(unsealed, lines) != head["digest"]:
        raise UsageError(
            f"{path}: the cassette is not as it was recorded (its digest differs): take the "
            "committed file, see that git leaves its line ends alone, or record it again"
        )
