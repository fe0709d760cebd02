"""What a run is to decide while it goes on, or in the end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

SCORE = "score"  # the one metric that may decide when to stop


class Way(StrEnum):
    FIXED = "fixed"  # every item is asked, and then looked at once
    SEQUENTIAL = "group-sequential"  # planned looks, each with a bound that allows for the others
    ANYTIME = "anytime"  # betting: as many looks as one likes
    RACE = "race"  # the arms of a grid, dropped one by one


@dataclass(frozen=True, slots=True)
class GatePlan:
    """Fixed before the first request, and the same when the run is resumed.

    ``margins`` are by metric: points between 0 and 1 for the score, else a ratio above 1.
    ``inconclusive`` is "pass" or "fail" where that is to count so. ``candidate`` is the arm that
    is gated against the baseline's ``reference``; a race has neither.
    """

    way: Way
    margins: Mapping[str, float] = field(default_factory=dict)
    inconclusive: str | None = None
    candidate: str | None = None
    reference: str | None = None

    @property
    def may_stop(self) -> bool:
        """Whether cells of the grid may be left out."""
        return self.way is not Way.FIXED
