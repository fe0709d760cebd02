"""The limits as a gate: requests wait here, first come first served, until they may leave."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping

from stepeval.core.chat import Failure, FailureKind, Request, Response
from stepeval.core.limits import LimitChange
from stepeval.core.task import Cell
from stepeval.execution.expected import Expected
from stepeval.execution.gate import Pass
from stepeval.execution.limits import Kind, Limiter, Ticket
from stepeval.execution.retry import decide
from stepeval.execution.told import read_told

_TROUBLE = frozenset(
    {
        FailureKind.CONNECT,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TLS_TIMEOUT,
        FailureKind.WRITE_TIMEOUT,
        FailureKind.FIRST_BYTE_TIMEOUT,
        FailureKind.READ_TIMEOUT,
        FailureKind.TOTAL_TIMEOUT,
        FailureKind.DISCONNECTED,
        FailureKind.SERVER,
    }
)
_REFUSALS_AN_ATTEMPT = 10
_NOTED_EVERY_S = 0.1


class LimitGate:
    """A :class:`stepeval.execution.gate.Gate` for the account with one provider.

    ``note`` hears of every change of a limit, of growth ten times a second at most; ``why`` is the
    reason of those that the ``limiter`` begins with.
    """

    def __init__(
        self,
        name: str,
        limiter: Limiter,
        expected: Expected,
        *,
        note: Callable[[LimitChange], None],
        why: str = "known",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._limiter = limiter
        self._expected = expected
        self._note = note
        self._clock = clock
        self._wall = wall
        self._waiting: deque[tuple[asyncio.Future[Ticket], float]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._levels = dict.fromkeys(Kind, float("inf"))
        self._noted = dict(self._levels)
        self._noted_at = dict.fromkeys(Kind, float("-inf"))
        self._tell(why)

    async def enter(self, cell: Cell, request: Request) -> Pass:
        """Waits until it may leave. May be cancelled while it waits."""
        tokens = self._expected.tokens(cell, request)
        granted: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._waiting.append((granted, tokens))
        self._let_through()
        try:
            ticket = await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():  # in the very moment of its turn
                self._ended(granted.result(), None)
            raise
        return _Pass(self, cell, ticket)

    def settle(self, cell: Cell, ticket: Ticket, result: Response | Failure) -> None:
        if isinstance(result, Response):
            self._expected.learn(cell, result)
        self._ended(ticket, result)

    def forget(self, ticket: Ticket) -> None:
        self._ended(ticket, None)

    def _ended(self, ticket: Ticket, result: Response | Failure | None) -> None:
        now = self._clock()
        if result is None:
            self._limiter.withdrawn(ticket, now)
        else:
            self._tell("refused", "grown")  # a verdict may have come with time alone
            told = read_told(result.quota)
            self._limiter.told(told)
            self._tell("told")
            _hear(self._limiter, ticket, now, result, told.reset_s)
            self._tell("refused", "grown")
        self._let_through()

    def _let_through(self) -> None:
        """All whose turn it is; then waits for the next one's moment, or for an answer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            granted, tokens = self._waiting[0]
            if granted.done():  # cancelled
                self._waiting.popleft()
                continue
            now = self._clock()
            ready = self._limiter.ready_at(now, tokens)
            if ready is None:
                return
            if ready > now:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(ready - now, self._let_through)
                return
            self._waiting.popleft()
            granted.set_result(self._limiter.sent(now, tokens))

    def _tell(self, lowered: str, raised: str = "") -> None:
        """Notes what has changed, and which of two reasons it had."""
        now = self._clock()
        for kind in Kind:
            level, before = self._limiter.level(kind), self._levels[kind]
            self._levels[kind] = level
            grown = level >= before
            if level == self._noted[kind] and grown:
                continue
            if grown and now - self._noted_at[kind] < _NOTED_EVERY_S:
                continue
            self._noted[kind], self._noted_at[kind] = level, now
            used = self._limiter.used(kind, now)
            why = raised if grown else lowered
            self._note(LimitChange(self._wall(), self._name, kind.value, level, used, why))


class _Pass:
    def __init__(self, gate: LimitGate, cell: Cell, ticket: Ticket) -> None:
        self._gate = gate
        self._cell = cell
        self._ticket = ticket

    def settle(self, result: Response | Failure) -> None:
        self._gate.settle(self._cell, self._ticket, result)

    def forget(self) -> None:
        self._gate.forget(self._ticket)

    lose = forget


class AccountGates:
    """A gate for each provider: their accounts have nothing to do with each other."""

    def __init__(self, gates: Mapping[str, LimitGate]) -> None:
        self._gates = gates

    async def enter(self, cell: Cell, request: Request) -> Pass:
        return await self._gates[request.provider].enter(cell, request)


def patient(
    failure: Failure, attempt: int, max_attempts: int, jitter: float, spent_s: float
) -> float | None:
    """:func:`stepeval.execution.retry.decide` where a gate knows when to send again.

    A refused request goes back to the queue at once; that it was refused was nobody's fault, so
    it may be refused ten times as often as others may fail.
    """
    if failure.kind is FailureKind.RATE_LIMIT:
        return 0.0 if attempt < _REFUSALS_AN_ATTEMPT * max_attempts else None
    return decide(failure, attempt, max_attempts, jitter, spent_s)


def _hear(
    limiter: Limiter, ticket: Ticket, now: float, result: Response | Failure, reset_s: float | None
) -> None:
    """``reset_s`` is the wait that headers tell of, where Retry-After does not."""
    if isinstance(result, Response):
        limiter.answered(ticket, now, _total(result))
    elif result.kind is FailureKind.RATE_LIMIT:
        wait_s = reset_s if result.retry_after_s is None else result.retry_after_s
        limiter.refused(ticket, now, retry_after_s=wait_s)
    elif result.kind in _TROUBLE:
        limiter.lost(ticket, now)
    else:
        limiter.answered(ticket, now, None if result.partial is None else _total(result.partial))


def _total(response: Response) -> float | None:
    usage = response.usage
    if usage.total_tokens is not None and usage.total_tokens >= 0:
        return float(usage.total_tokens)
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return float(max(usage.input_tokens, 0) + max(usage.output_tokens, 0))
