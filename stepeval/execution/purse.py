"""So many requests, to be taken one by one: by one process, or by several that share the rest."""

import os
from tempfile import TemporaryFile
from typing import Protocol


class Purse(Protocol):
    def take(self) -> bool:
        """False: nothing is left."""


class OwnPurse:
    def __init__(self, total: int) -> None:
        self._left = total

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0


class SharedPurse:
    """A file that processes inherit: each byte is a request, and the place in it is common to all.

    A read moves that place on at once, for all of them, so that no byte is read twice. The file is
    a hole: it takes no room on the disk.
    """

    def __init__(self, file: int) -> None:
        self.file = file

    @classmethod
    def make(cls) -> "SharedPurse":
        """An empty one, the descriptor of which its maker has to close."""
        with TemporaryFile(buffering=0) as file:
            return cls(os.dup(file.fileno()))

    def fill(self, total: int) -> None:
        """While nobody takes from it."""
        os.ftruncate(self.file, total)
        os.lseek(self.file, 0, os.SEEK_SET)

    def take(self) -> bool:
        return bool(os.read(self.file, 1))
