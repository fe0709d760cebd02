"""Whether, and when, one more request may leave: what limits, budgets and breakers have in common.

A request enters through every gate, one behind the other, is sent, and settles with each of them.
"""

from collections.abc import Sequence
from typing import Protocol

from stepeval.core.chat import Failure, Request, Response
from stepeval.core.task import Cell


class Shut(Exception):
    """Nothing more may leave in this run. ``str()`` is the sentence a user reads."""


class Pass(Protocol):
    """One request's leave to be sent; used up by exactly one of the three calls."""

    def settle(self, result: Response | Failure) -> None:
        """It was sent, and this is what came back."""

    def forget(self) -> None:
        """It was never sent."""

    def lose(self) -> None:
        """It may have been sent, and nobody will know what became of it."""


class Gate(Protocol):
    async def enter(self, cell: Cell, request: Request) -> Pass:
        """Waits until the request may leave. May be cancelled while it waits.

        Raises:
            Shut: It may not, and no later one may.
        """


class OpenGate:
    """Lets everything through at once; also its own pass."""

    async def enter(self, cell: Cell, request: Request) -> Pass:  # noqa: ARG002 -- the protocol's
        return self

    def settle(self, result: Response | Failure) -> None: ...

    def forget(self) -> None: ...

    def lose(self) -> None: ...


OPEN: Gate = OpenGate()


class Gates:
    """Several gates in a row. What waits for a later one holds its place in those before."""

    def __init__(self, gates: Sequence[Gate]) -> None:
        self._gates = tuple(gates)

    async def enter(self, cell: Cell, request: Request) -> Pass:
        passes = _Passes()
        try:
            for gate in self._gates:
                passes.add(await gate.enter(cell, request))
        except BaseException:
            passes.forget()
            raise
        return passes


class _Passes:
    def __init__(self) -> None:
        self._passes: list[Pass] = []

    def add(self, entered: Pass) -> None:
        self._passes.append(entered)

    def settle(self, result: Response | Failure) -> None:
        for each in self._passes:
            each.settle(result)

    def forget(self) -> None:
        for each in self._passes:
            each.forget()

    def lose(self) -> None:
        for each in self._passes:
            each.lose()
