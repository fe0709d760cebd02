"""Whether a failed attempt is worth another, and after how long. Pure."""

from collections.abc import Callable
from typing import ParamSpec

from stepeval.core.chat import Failure, FailureKind

P = ParamSpec("P")

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


def decide(failure: Failure, attempt: int, max_attempts: int, jitter: float) -> float | None:
    """Seconds to wait before the next attempt, or None where there shall be none.

    ``attempt`` counts from 1; ``jitter`` lies in 0..1. The wait doubles from 0.5 s to 30 s, of
    which at least half is kept. A server that names its own wait gets it, up to 120 s, and up to
    a second more, so that all who were refused together do not return together.
    """
    status_allows = failure.kind is FailureKind.HTTP and failure.status in _AGAIN_STATUS
    if attempt >= max_attempts or not (failure.kind in _AGAIN or status_allows):
        return None
    if failure.retry_after_s is not None:
        return min(failure.retry_after_s, _LONGEST_ASKED_S) + jitter
    doublings = min(attempt - 1, 10)  # past the longest wait, and far from overflow
    return min(_FIRST_S * 2.0**doublings, _LONGEST_S) * (0.5 + 0.5 * jitter)


def at_once(decide: Callable[P, float | None]) -> Callable[P, float | None]:
    """The same decisions without the waits: what is replayed is no server's load."""

    def decide_at_once(*told: P.args, **named: P.kwargs) -> float | None:
        return None if decide(*told, **named) is None else 0.0

    return decide_at_once
