"""Answers that need no request, and what is kept of those that did: caches and cassettes."""

from typing import Protocol

from stepeval.core.chat import Exchange, Request
from stepeval.core.task import Cell


class Memory(Protocol):
    """Asked before every attempt enters the gate, and told of every one that was sent.

    Both calls must return at once.
    """

    def recall(self, cell: Cell, request: Request) -> Exchange | None:
        """What came of this request before; None: it must be sent.

        Raises:
            Shut: It must not be sent, and is not known.
        """

    def keep(self, cell: Cell, request: Request, number: int, exchange: Exchange) -> None:
        """``number`` counts the cell's attempts, as in :class:`stepeval.core.record.Attempt`."""


class BlankMemory:
    """Knows nothing, keeps nothing."""

    def recall(self, cell: Cell, request: Request) -> Exchange | None: ...

    def keep(self, cell: Cell, request: Request, number: int, exchange: Exchange) -> None: ...


BLANK: Memory = BlankMemory()
