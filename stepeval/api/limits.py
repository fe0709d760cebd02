"""The gate that keeps a run within its accounts' limits, known or learned."""

import time
from collections.abc import Callable

from stepeval.core.limits import LimitChange
from stepeval.core.task import Limits, Suite
from stepeval.execution.expected import Expected
from stepeval.execution.limit_gate import AccountGates, LimitGate
from stepeval.execution.limits import Known, Limiter

_MOST_LEARNED = 64  # requests in flight; whoever wants more says so


def most_at_once(limits: Limits) -> int:
    return _MOST_LEARNED if limits.learned else limits.concurrency


def limit_gates(
    suite: Suite, expected: Expected, note: Callable[[LimitChange], None]
) -> AccountGates:
    """What is told of one provider's account says nothing of another's."""
    limits = suite.limits
    known = Known(
        None if limits.learned else limits.concurrency,
        limits.requests_per_minute,
        limits.tokens_per_minute,
        most=_MOST_LEARNED,
    )
    now = time.monotonic()
    return AccountGates(
        {
            provider.name: LimitGate(provider.name, Limiter(known, now), expected, note=note)
            for provider in suite.providers
        }
    )
