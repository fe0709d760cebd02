"""Whether a run's load stood still: latencies under a load that adapted measure the adapting."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from stepeval.core.limits import LimitChange
from stepeval.core.record import Mode, RunInfo

_KINDS = {
    "concurrency": "requests in flight",
    "requests_per_minute": "requests a minute",
    "tokens_per_minute": "tokens a minute",
}
# Where these come first, the limit was in force from the start, or from the first answer on.
_STANDING = frozenset({"known", "kept", "told"})


def latency_fitness(changes: Sequence[LimitChange], info: RunInfo) -> str | None:
    """Why the run's latencies are fit for no verdict, as a sentence; None where they are fit.

    ``changes`` are :meth:`RecordReader.limit_changes`, all sessions of a resumed run together.
    """
    if info.mode is Mode.REPLAY:
        return "Its answers came from a cassette: nothing was timed."
    moved = list(_moved(changes))
    if not moved or info.load is not None:
        return None
    return (
        f"Its load changed while latency was measured: {'; '.join(moved)}. "
        "A run that is told limits.concurrency (or --concurrency) holds it still, as long as "
        "nothing is refused."
    )


def _moved(changes: Sequence[LimitChange]) -> Iterator[str]:
    in_order = sorted(changes, key=lambda change: (change.provider, change.kind))  # a stable sort
    for (provider, kind), group in groupby(in_order, key=lambda c: (c.provider, c.kind)):
        first, *later = group
        levels = [change.level for change in (first, *later)]
        what = f"{_KINDS.get(kind, kind)} to {provider}"
        if min(levels) < max(levels):
            yield f"{min(levels):,.0f} to {max(levels):,.0f} {what} were allowed"
        elif first.why not in _STANDING:
            yield f"{first.level:,.0f} {what} were allowed once one was refused, any number before"
