"""The writer's system calls: faults put into them, and what a power loss would leave of them."""

import os
import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

WRITES = "pwrite64,ftruncate"
SYNCS = "fsync,fdatasync"
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += +(-?\d+)")
_QUOTED = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_PATH = re.compile(r"^(?:\d+|AT_FDCWD)<([^>]*)>")
_SECTOR = 512


@cache
def strace_works() -> bool:
    """It is installed, and this machine lets it trace."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False)
    return tried.returncode == 0


def injected(command: Sequence[str], calls: str, what: str, when: int) -> list[str]:
    """``command`` with ``what`` (``error=EIO``, ``signal=SIGKILL``) in the ``when``-th call of any
    of its threads.
    """
    inject = f"inject={calls}:{what}:when={when}"
    return ["strace", "-f", "-o", os.devnull, "-e", f"trace={calls}", "-e", inject, *command]


def recorded(command: Sequence[str], log: Path) -> list[str]:
    """``command`` with every call that changes a file, and the data, in ``log``."""
    calls = f"openat,write,unlink,rename,{WRITES},{SYNCS}"
    shown = ["-y", "-xx", "-s", str(1 << 20)]
    return ["strace", "-f", "-o", str(log), "-e", f"trace={calls}", *shown, *command]


@dataclass(frozen=True, slots=True)
class Event:
    """``data`` and ``offset`` are a write's; a truncation has an offset alone."""

    call: str
    path: str
    data: bytes = b""
    offset: int = 0


def read_events(log: Path) -> Iterator[Event]:
    """Calls that succeeded, in the order in which they returned."""
    begun: dict[str, str] = {}
    for line in log.read_text("ascii").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        thread, text = found.groups()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>")
            continue
        if text.startswith("<... "):
            text = begun.pop(thread) + text.partition(" resumed>")[2]
        event = _event(text)
        if event is not None:
            yield event


def _event(text: str) -> Event | None:
    found = _CALL.match(text)
    if found is None or int(found[3]) < 0:
        return None
    call, arguments = found[1], found[2]
    quoted = [_unhex(each) for each in _QUOTED.findall(arguments)]
    if call in ("openat", "unlink"):
        return Event(call, os.fsdecode(quoted[0])) if call == "unlink" or _made(arguments) else None
    path = _PATH.match(arguments)
    if path is None:
        return None
    name = os.fsdecode(_unhex(path[1])) if path[1].startswith("\\x") else path[1]
    if call in ("write", "pwrite64"):
        offset = int(arguments.rpartition(", ")[2]) if call == "pwrite64" else 0
        return Event(call, name, quoted[0][: int(found[3])], offset)
    length = int(arguments.rpartition(", ")[2]) if call == "ftruncate" else 0
    return Event(call, name, offset=length)


def _made(arguments: str) -> bool:
    return "O_CREAT" in arguments


def _unhex(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


_Change: TypeAlias = tuple[int, bytes | None]


@dataclass(slots=True)
class _File:
    """``synced`` is on the medium for certain; ``pending`` may be, in any part and order."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[_Change] = field(default_factory=list)
    gone: bool = False


class Medium:
    """What a disk may hold of the files below ``folder`` when the power goes."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._files: dict[str, _File] = {}

    def take(self, event: Event) -> None:
        path = event.path
        if event.call in ("fsync", "fdatasync"):
            self._sync(path)
        if not path.startswith(f"{self._folder}/") or path.endswith("-shm"):
            return  # the -shm file is made anew by whoever opens the run after a crash
        if event.call == "openat":
            file = self._files.get(path)
            if file is None or file.gone:
                self._files[path] = _File()
        elif event.call == "unlink":
            self._files[path].gone = True
        elif event.call == "pwrite64":
            self._files[path].pending.append((event.offset, event.data))
        elif event.call == "ftruncate":
            self._files[path].pending.append((event.offset, None))

    def _sync(self, path: str) -> None:
        if path in self._files:
            file = self._files[path]
            for change in file.pending:
                _apply(file.synced, change)
            file.pending.clear()
        for name in [name for name, file in self._files.items() if file.gone]:
            if os.path.dirname(name) == path:  # noqa: PTH120 -- names out of a log, not of this disk
                del self._files[name]

    def lose_power(self, into: Path, chance: random.Random, keep: float) -> None:
        """Writes the files as they may be found: of what was not synced each change is kept with
        the probability ``keep``, and the last one kept is torn at a sector.
        """
        for name, file in self._files.items():
            if file.gone and chance.random() < keep:
                continue
            kept = [change for change in file.pending if chance.random() < keep]
            content = bytearray(file.synced)
            for change in kept:
                _apply(content, _torn(change, chance) if change is kept[-1] else change)
            place = into / Path(name).relative_to(self._folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)


def _apply(content: bytearray, change: _Change) -> None:
    offset, data = change
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(offset - len(content), 0)))
    content[offset : offset + len(data)] = data


def _torn(change: _Change, chance: random.Random) -> _Change:
    offset, data = change
    with suppress(ValueError):  # shorter than a sector: whole, or not at all
        return offset, data and data[: _SECTOR * chance.randrange(1, len(data) // _SECTOR + 1)]
    return change


def outages(
    log: Path, folder: Path, into: Path, *, most: int, seed: int
) -> Iterator[tuple[Path, set[str]]]:
    """Folders as found after power losses at ``most`` instants of a recorded run in ``folder``,
    with the ids that had been acknowledged by then. Each is removed when the next one is made.
    """
    chance = random.Random(seed)
    events = list(read_events(log))
    instants = set(chance.sample(range(len(events)), min(most, len(events))))
    medium, acknowledged = Medium(folder), set[str]()
    for number, event in enumerate(events):
        medium.take(event)
        if event.call == "write":
            acknowledged.update(line for line in event.data.decode().split("\n") if line.isdigit())
        if number not in instants:
            continue
        for keep in (0.0, 0.5, 1.0):
            medium.lose_power(into, chance, keep)
            yield into, set(acknowledged)
            shutil.rmtree(into, ignore_errors=True)
