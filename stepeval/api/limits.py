"""The gate that keeps a run within its accounts' limits, known or learned."""

import time
from collections.abc import Callable, Sequence

from stepeval.core.limits import LimitChange
from stepeval.core.task import Limits, Suite
from stepeval.execution.expected import Expected
from stepeval.execution.kept import last_in_force
from stepeval.execution.limit_gate import AccountGates, LimitGate
from stepeval.execution.limits import Known, Limiter

_MOST_LEARNED = 64  # requests in flight; whoever wants more says so


def most_at_once(limits: Limits) -> int:
    return _MOST_LEARNED if limits.learned else limits.concurrency


def limit_gates(
    suite: Suite,
    expected: Expected,
    note: Callable[[LimitChange], None],
    former: Sequence[LimitChange] = (),
) -> AccountGates:
    """What is told of one provider's account says nothing of another's.

    ``former``: how the limits changed in earlier sessions of the run; it starts from the last.
    """
    limits = suite.limits
    known = Known(
        None if limits.learned else limits.concurrency,
        limits.requests_per_minute,
        limits.tokens_per_minute,
        most=_MOST_LEARNED,
    )
    now, gates = time.monotonic(), {}
    for provider in suite.providers:
        limiter, kept = Limiter(known, now), last_in_force(former, provider.name)
        if kept is not None:
            limiter.keep(kept.levels, now, crowded=kept.crowded)
        why = "known" if kept is None else "kept"
        gates[provider.name] = LimitGate(provider.name, limiter, expected, note=note, why=why)
    return AccountGates(gates)
