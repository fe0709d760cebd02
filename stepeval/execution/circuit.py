"""Whether a service is down: a state machine without a clock or IO of its own.

::

             N failures in a row                  the probe fails
    CLOSED ----------------------> OPEN --due--> PROBING ----------> OPEN, twice as long
      ^                             |               |
      |       any sign of life      |               | any sign of life
      +-----------------------------+---------------+

A probe that fails when the service has been down for ``give_up_after_s`` ends it: GIVEN_UP. So does
a refusal for rate after so long a time in which nothing else came back.
"""

from dataclasses import dataclass
from enum import StrEnum

from stepeval.core.chat import Failure, FailureKind, Response

# No server, or one that cannot do its work, whatever it is asked.
_DOWN = frozenset(
    {
        FailureKind.CONNECT,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TLS,
        FailureKind.TLS_TIMEOUT,
        FailureKind.WRITE_TIMEOUT,
        FailureKind.FIRST_BYTE_TIMEOUT,
        FailureKind.READ_TIMEOUT,
        FailureKind.DISCONNECTED,
        FailureKind.PROTOCOL,
        FailureKind.SERVER,
    }
)
# Where nobody ever answered, the address is wrong: the crew says so at once, and waits for nothing.
_NOBODY = frozenset({FailureKind.CONNECT, FailureKind.TLS})
_NEUTRAL = frozenset({FailureKind.RATE_LIMIT})  # says nothing of the next request


def tells_of_outage(failure: Failure) -> bool:
    """Whether any other request would most likely have met the same."""
    return failure.kind in _DOWN


class CircuitState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Patience:
    """``failures`` in a row open the circuit; then waits double from ``first_s`` to
    ``longest_s``, and after ``give_up_after_s`` it is given up.
    """

    give_up_after_s: float = 600.0
    failures: int = 10
    first_s: float = 1.0
    longest_s: float = 60.0


class Circuit:
    """All times are seconds of one monotonic clock, handed in with every call.

    ``due_s``: when the next probe may leave, while OPEN. ``last``: the latest failure that counted.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.state = CircuitState.CLOSED
        self.in_a_row = 0
        self.last: Failure | None = None
        self.due_s = 0.0
        self._seen_alive = False
        self._opened_s = 0.0
        self._wait_s = 0.0
        self._refused_from_s: float | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it was given up for refusals, and not for an outage."""
        given_up = self.state is CircuitState.GIVEN_UP
        return given_up and self.last is not None and self.last.kind in _NEUTRAL

    def admit(self, now_s: float) -> bool:
        """Whether a request may leave now. Where it is the probe, no other may until it is back."""
        if self.state is CircuitState.OPEN and now_s >= self.due_s:
            self.state = CircuitState.PROBING
            return True
        return self.state is CircuitState.CLOSED

    def note(self, result: Response | Failure, now_s: float, *, probe: bool) -> None:
        """What came back. Stragglers that left before the circuit opened can only close it."""
        if self.state is CircuitState.GIVEN_UP:
            return
        failure = self._outage(result)
        if isinstance(result, Failure) and result.kind in _NEUTRAL:
            if self._is_refused_for_good(result, now_s):
                return
        elif failure is None:
            self._refused_from_s = None
        if failure is None:
            self._note_life(result, probe=probe)
        elif self.state is CircuitState.CLOSED:
            self._count(failure, now_s)
        elif probe:
            self._reopen(failure, now_s)

    def lose_probe(self, now_s: float) -> None:
        """The probe was never sent: another may go at once."""
        if self.state is CircuitState.PROBING:
            self.state, self.due_s = CircuitState.OPEN, now_s

    def down_for_s(self, now_s: float) -> float:
        return now_s - self._opened_s

    def _is_refused_for_good(self, failure: Failure, now_s: float) -> bool:
        """An account that has nothing left for today refuses for ever."""
        if self._refused_from_s is None:
            self._refused_from_s = now_s
        if now_s - self._refused_from_s < self._patience.give_up_after_s:
            return False
        self.state, self.last = CircuitState.GIVEN_UP, failure
        self._opened_s = self._refused_from_s
        return True

    def _outage(self, result: Response | Failure) -> Failure | None:
        """The failure, where it is one that counts."""
        if isinstance(result, Response) or not tells_of_outage(result):
            return None
        return result if self._seen_alive or result.kind not in _NOBODY else None

    def _note_life(self, result: Response | Failure, *, probe: bool) -> None:
        kind = None if isinstance(result, Response) else result.kind
        if kind in _NOBODY or (kind in _NEUTRAL and not probe):
            return
        self._seen_alive = True
        self.state, self.in_a_row = CircuitState.CLOSED, 0

    def _count(self, failure: Failure, now_s: float) -> None:
        self._seen_alive = self._seen_alive or failure.status is not None
        self.last = failure
        self.in_a_row += 1
        if self.in_a_row >= self._patience.failures:
            self._opened_s, self._wait_s = now_s, self._patience.first_s
            self._open(now_s)

    def _reopen(self, failure: Failure, now_s: float) -> None:
        self.last = failure
        self.in_a_row += 1
        if self.down_for_s(now_s) >= self._patience.give_up_after_s:
            self.state = CircuitState.GIVEN_UP
            return
        self._wait_s = min(2 * self._wait_s, self._patience.longest_s)
        self._open(now_s)

    def _open(self, now_s: float) -> None:
        """The last probe leaves when it is time to give up, not a long wait later."""
        end_s = self._opened_s + self._patience.give_up_after_s
        self.state, self.due_s = CircuitState.OPEN, max(now_s, min(now_s + self._wait_s, end_s))
