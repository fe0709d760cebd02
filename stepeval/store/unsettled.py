"""Requests that left and whose answers are not in the run's file: what a killed process may owe.

They stand by arm in a small file beside it, written over at every change without waiting for the
disk: what the kernel was given outlives the process, though not a power failure. What a session
finds there was lost by those before it, and stays.
"""

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stepeval.core.errors import StoreError
from stepeval.core.outlay import Used
from stepeval.store import opening

UNSETTLED = "unsettled"
_ENTRY = struct.Struct("<qqq")  # requests, tokens of their prompts, tokens of their answers
_MOST = 2**62


class Unsettled:
    """Open for as long as the run goes on. ``lost``: by arm, what earlier sessions left.

    Raises:
        StoreError: (from any method, too) The file cannot be written.
    """

    def __init__(self, run: Path, arms: Sequence[str]) -> None:
        self._path = opening.database(run).with_name(UNSETTLED)
        self._places = {arm: place * _ENTRY.size for place, arm in enumerate(arms)}
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        try:
            self._file = os.open(self._path, flags, 0o600)
            self.lost = {arm: self._read(place) for arm, place in self._places.items()}
            for arm, used in self.lost.items():  # takes the room now that is needed later
                self.note(arm, used)
        except OSError as error:
            raise self._refusal(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)

    def note(self, arm: str, used: Used) -> None:
        """All that is unsettled of this arm by now, lost ones included."""
        entry = _ENTRY.pack(used.requests, min(used.input, _MOST), min(used.output, _MOST))
        try:
            os.pwrite(self._file, entry, self._places[arm])
        except OSError as error:
            raise self._refusal(error) from error

    def _read(self, place: int) -> Used:
        """A folder may come from a stranger: nothing in it gives a budget back."""
        data = os.pread(self._file, _ENTRY.size, place)
        if len(data) < _ENTRY.size:
            return Used()
        return Used(*(max(0, value) for value in _ENTRY.unpack(data)))

    def _refusal(self, error: OSError) -> StoreError:
        return StoreError(f"{self._path}: cannot be written: {error.strerror}")
