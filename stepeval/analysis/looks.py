"""What a look at the data so far found, and what follows from it."""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """``FIRST``: the new prompt against the recorded baseline. ``FRESH``: both asked now."""

    FIRST = "first"
    FRESH = "fresh"


class Decision(StrEnum):
    GO_ON = "go on"
    SAFE = "safe"
    CONFIRM = "confirm"  # a drop against the baseline: fresh answers of both prompts decide
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Look:
    """``n`` of the ``items`` asked have a score. ``low`` to ``high`` is the repeated interval of
    ``change``, valid at every look at once; each is None where it cannot be told.

    ``safe`` says how clearly the change lies above minus the margin and ``drop`` how clearly below
    0; a look stops where one is above its bound. They are standard normal z of a group-sequential
    procedure, natural logarithms of winnings of a betting one.
    """

    stage: Stage
    number: int
    items: int
    n: int
    change: float | None
    error: float | None
    low: float | None
    high: float | None
    safe: float | None
    safe_bound: float
    drop: float | None
    drop_bound: float
    decision: Decision

    @property
    def is_safe(self) -> bool:
        return self.safe is not None and self.safe > self.safe_bound

    @property
    def is_drop(self) -> bool:
        return self.drop is not None and self.drop > self.drop_bound
