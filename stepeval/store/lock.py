"""One writing process a run. The kernel drops the lock when its process ends, however it ends."""

import fcntl
import os
import time
from pathlib import Path

from stepeval.core.errors import StoreError

_TRIES = 5
_PAUSE_S = 0.02  # a reader asking is_locked holds the lock for microseconds


class WriterLock:
    """Held from construction to :meth:`release`.

    Raises:
        StoreError: Another process holds it (the message has its pid), or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreError(f"{path}: cannot be locked for writing: {error.strerror}") from error
        if not self._acquire():
            owner = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise StoreError(
                f"{path.parent.name}: process {owner or '(unknown)'} is writing this run; "
                "wait until it ends, or stop it"
            )
        try:
            os.fchmod(self._file, 0o600)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._file)
            raise StoreError(f"{path}: cannot be locked for writing: {error.strerror}") from error

    def _acquire(self) -> bool:
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_PAUSE_S)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            return True
        return False

    def release(self) -> None:
        os.close(self._file)


def is_locked(path: Path) -> bool:
    """Whether some process writes this run now."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
