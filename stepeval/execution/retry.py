"""Whether a failed attempt is worth another, and after how long. Pure.

=============================================  =====================================================
failure                                        decision
=============================================  =====================================================
no connection, or a broken one; a timeout;     again, after a wait that doubles from 0.5 s to 30 s,
bytes that are no HTTP or no stream;           of which a random half is taken off
5xx; 408, 409, 425
429                                            the same
one of these that names a wait (Retry-After)   again after that wait, 120 s at most, and up to a
                                               second more
anything else (400, 401, 402, 404, 451, an     stop: the same request would meet the same
answer that is too large or no completion)
the last of ``max_attempts``                   stop
a wait that ends later than 30 min after the   stop
first attempt (time at gates not counted)
=============================================  =====================================================
"""

from collections.abc import Callable
from typing import ParamSpec, TypeAlias

from stepeval.core.chat import Failure, FailureKind

P = ParamSpec("P")
Decide: TypeAlias = Callable[[Failure, int, int, float, float], float | None]
"""``(failure, attempt, max_attempts, jitter, spent_s)``: the wait, or None to stop."""

_AGAIN = frozenset(
    {
        FailureKind.CONNECT,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TLS_TIMEOUT,
        FailureKind.WRITE_TIMEOUT,
        FailureKind.FIRST_BYTE_TIMEOUT,
        FailureKind.READ_TIMEOUT,
        FailureKind.TOTAL_TIMEOUT,
        FailureKind.DISCONNECTED,
        FailureKind.PROTOCOL,
        FailureKind.LONG_HEAD,
        FailureKind.EXTRA_RESPONSE,
        FailureKind.BAD_STREAM,
        FailureKind.RATE_LIMIT,
        FailureKind.SERVER,
    }
)
_AGAIN_STATUS = frozenset({408, 409, 425})  # timeout, conflict, too early
_FIRST_S = 0.5
_LONGEST_S = 30.0
_LONGEST_ASKED_S = 120.0
_LONGEST_TRYING_S = 1800.0


def decide(
    failure: Failure, attempt: int, max_attempts: int, jitter: float, spent_s: float = 0.0
) -> float | None:
    """Seconds to wait before the next attempt, or None where there shall be none.

    ``attempt`` counts from 1; ``jitter`` lies in 0..1; ``spent_s`` went into the attempts and the
    waits between them so far.
    """
    status_allows = failure.kind is FailureKind.HTTP and failure.status in _AGAIN_STATUS
    if attempt >= max_attempts or not (failure.kind in _AGAIN or status_allows):
        return None
    wait_s = _wait(failure, attempt, jitter)
    return wait_s if spent_s + wait_s <= _LONGEST_TRYING_S else None


def _wait(failure: Failure, attempt: int, jitter: float) -> float:
    """Jitter, so that all who were refused together do not return together."""
    if failure.retry_after_s is not None:
        return min(failure.retry_after_s, _LONGEST_ASKED_S) + jitter
    doublings = min(attempt - 1, 10)  # past the longest wait, and far from overflow
    return min(_FIRST_S * 2.0**doublings, _LONGEST_S) * (0.5 + 0.5 * jitter)


def at_once(decide: Callable[P, float | None]) -> Callable[P, float | None]:
    """The same decisions without the waits: what is replayed is no server's load."""

    def decide_at_once(*told: P.args, **named: P.kwargs) -> float | None:
        return None if decide(*told, **named) is None else 0.0

    return decide_at_once
