"""The limits that an earlier session of a run ended with: a resumed run starts from them. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stepeval.core.limits import LimitChange
from stepeval.execution.limits import Kind


@dataclass(frozen=True, slots=True)
class Kept:
    """``crowded``: a refusal had taught the concurrency, so that its slow start is over."""

    levels: Mapping[Kind, float]
    crowded: bool


def last_in_force(changes: Iterable[LimitChange], provider: str) -> Kept | None:
    """None where the run has not begun with this provider.

    The changes come from a file that anybody may have made: what can be no limit is passed over.
    """
    own = [
        change
        for change in changes
        if change.provider == provider and math.isfinite(change.level) and change.level >= 1
    ]
    if not own:
        return None
    levels = {Kind(change.kind): change.level for change in own if change.kind in set(Kind)}
    crowded = any(change.kind == Kind.CONCURRENCY and change.why == "refused" for change in own)
    return Kept(levels, crowded)
