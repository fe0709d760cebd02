"""Before anything is sent: what so few requests will not be able to tell. Pure."""

from collections.abc import Iterator

from stepeval.analysis.load_curve import KEPT
from stepeval.api.bench.pace import Pace
from stepeval.execution.search import MOST_ROUNDS
from stepeval.stats.estimate import smallest_n, wilson

_PERCENTILES = ((0.95, "p95"), (0.99, "p99"))


def too_few(pace: Pace, arms: int) -> Iterator[str]:
    """Hints; none where it is not known how many requests there will be."""
    n = _measured(pace)
    if n is None:
        return
    n //= arms
    asked = f"{n:,} {'is' if n == 1 else 'are'} asked for" + (" of each arm" if arms > 1 else "")
    missed = [(name, smallest_n(q)) for q, name in _PERCENTILES if n < smallest_n(q)]
    if missed:
        name, least = missed[0]
        more = "".join(f" and {name} {least}" for name, least in missed[1:])
        yield f"{name} needs {least} requests{more}; {asked}"
    least = _least_to_keep()
    rounds = MOST_ROUNDS if pace.search else 1
    if pace.plan.objectives and n * rounds < least:
        at_most = f", {rounds} times at most" if rounds > 1 else ""
        yield f"to show that {KEPT:.0%} keep the objectives takes {least}; {asked}{at_most}"


def _measured(pace: Pace) -> int | None:
    """Of the load with the fewest."""
    plan = pace.plan
    if plan.requests is not None:
        return plan.requests * plan.repeats
    loads = plan.loads or pace.search
    sent = [pace.requests(load) for load in loads]
    warm = [(pace.warm_s or 0) * load for load in loads]
    known = [n - round(w) for n, w in zip(sent, warm, strict=True) if n is not None]
    return min(known) * plan.repeats if len(known) == len(loads) else None


def _least_to_keep() -> int:
    """As many, all of them kept, have an interval above the share that is asked for."""
    n = 1
    while (wilson(n, n).low or 0.0) < KEPT:
        n += 1
    return n
