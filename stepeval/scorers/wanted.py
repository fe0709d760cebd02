"""What an answer is compared with: a rule's own ``value``, else the sample's target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stepeval.core.record import Score
from stepeval.scorers.verdict import quote, unscored


@dataclass(frozen=True, slots=True)
class NoTarget:
    """Nothing to compare with, and why: the sample is unscored, which is no wrong answer."""

    why: str

    def score(self, scorer: str) -> Score:
        return unscored(scorer, self.why)


def wanted_values(value: Any, target: Any) -> tuple[Any, ...] | NoTarget:
    """The acceptable values: a list names several, anything else is the only one."""
    wanted = target if value is None else value
    if wanted is None:
        return NoTarget("the sample has no target")
    if isinstance(wanted, Sequence) and not isinstance(wanted, str | bytes):
        return tuple(wanted) or NoTarget("the target is an empty list")
    return (wanted,)


def wanted_texts(
    value: Any, target: Any, *, empty_allowed: bool = False
) -> tuple[str, ...] | NoTarget:
    """Like :func:`wanted_values`, as texts. Numbers become text as Python writes them.

    How the author of a boolean or a date would have written it can only be guessed, so such a
    target is none.
    """
    values = wanted_values(value, target)
    if isinstance(values, NoTarget):
        return values
    for item in values:
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            kind = type(item).__name__
            return NoTarget(f"the target {quote(item)} is a {kind}, not text: put it in quotes")
        if item == "" and not empty_allowed:
            return NoTarget("the target is empty, and every text holds an empty one")
    return tuple(str(item) for item in values)


def check_value(value: str | Sequence[str] | None, *, empty_allowed: bool = False) -> None:
    """Raises ValueError for a ``value`` option that every text or no text could meet."""
    if value is None:
        return
    texts = [value] if isinstance(value, str) else value
    if not texts:
        raise ValueError("value must name at least one text, not an empty list")
    if not empty_allowed and any(text == "" for text in texts):
        raise ValueError("value must not be empty: every text holds an empty one")
