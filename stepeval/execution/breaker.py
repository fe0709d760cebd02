"""The gate that stops sending into a service that is down, and finds out when it is back."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from stepeval.core.amounts import duration_text
from stepeval.core.chat import Failure, Request, Response
from stepeval.core.task import Cell
from stepeval.execution.circuit import Circuit, CircuitState, Patience, tells_of_outage
from stepeval.execution.gate import Pass, Shut
from stepeval.execution.retry import Decide
from stepeval.execution.stop import StopSignal

_LONGEST_REASON = 200


class BreakerGate:
    """Lets everything through until the circuit opens; then one probe at a time, with growing
    waits between them, until the service is back or given up.
    """

    def __init__(
        self,
        patience: Patience,
        clock: Callable[[], float],
        stop: StopSignal,
        tell: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """``clock`` is monotonic, in seconds. ``tell`` hears why the run is paused, and None when
        it goes on.
        """
        self._circuit = Circuit(patience)
        self._clock = clock
        self._tell = tell
        self._stop = stop
        self._change = asyncio.Event()
        stop.when_draining(self._wake)

    def sparing(self, decide: Decide) -> Decide:
        """As ``decide``, but while the service is down no cell ends by that: it tries again."""

        def again(
            failure: Failure, attempt: int, most: int, jitter: float, spent_s: float
        ) -> float | None:
            wait_s = decide(failure, attempt, most, jitter, spent_s)
            down = self._circuit.state is not CircuitState.CLOSED and tells_of_outage(failure)
            return 0.0 if wait_s is None and down else wait_s  # it waits at the gate

        return again

    async def enter(self, cell: Cell, request: Request) -> Pass:  # noqa: ARG002 -- the protocol's
        circuit = self._circuit
        while not (self._stop.draining or circuit.admit(now := self._clock())):
            if circuit.state is CircuitState.GIVEN_UP:
                raise Shut(self._sentence())
            until_due = circuit.due_s - now if circuit.state is CircuitState.OPEN else None
            await self._changed_within(until_due)
        is_probe = not self._stop.draining and circuit.state is CircuitState.PROBING
        return _Entry(self, probe=is_probe)

    def settle(self, result: Response | Failure, *, probe: bool) -> None:
        before = self._circuit.state
        self._circuit.note(result, self._clock(), probe=probe)
        if self._circuit.state is not before:
            self._announce()

    def forget(self, *, probe: bool) -> None:
        if probe:
            self._circuit.lose_probe(self._clock())
            self._wake()

    def _announce(self) -> None:
        self._wake()
        circuit = self._circuit
        if circuit.state is CircuitState.OPEN:
            wait_s = circuit.due_s - self._clock()
            self._tell(
                f"paused: {circuit.in_a_row} requests in a row failed ({self._reason()}); one is "
                f"tried in {duration_text(max(1.0, wait_s))}"
            )
        else:
            self._tell(None)

    def _sentence(self) -> str:
        down = duration_text(self._circuit.down_for_s(self._clock()))
        if self._circuit.is_refused:
            return f"for {down} every request was refused, and it is given up ({self._reason()})"
        return (
            f"the service has been down for {down} and is given up: {self._circuit.in_a_row} "
            f"requests in a row failed ({self._reason()})"
        )

    def _reason(self) -> str:
        last = self._circuit.last
        return "" if last is None else f"{last.kind}: {last.message[:_LONGEST_REASON]}"

    async def _changed_within(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._change.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        waiting, self._change = self._change, asyncio.Event()
        waiting.set()


@dataclass(frozen=True, slots=True)
class _Entry:
    gate: BreakerGate
    probe: bool

    def settle(self, result: Response | Failure) -> None:
        self.gate.settle(result, probe=self.probe)

    def forget(self) -> None:
        self.gate.forget(probe=self.probe)

    lose = forget
