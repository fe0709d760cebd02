"""The scorer that compares a number of the answer with the wanted one, in exact arithmetic."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.read_numbers import Number, numbers_in
from stepeval.scorers.verdict import quote, right, unscored, wrong
from stepeval.scorers.wanted import NoTarget, wanted_values

_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Numeric:
    """``|answer - target| <= max(tolerance, relative_tolerance * |target|)``, without rounding.

    ``which`` number of the text is the answer: the last, the first, or the only one (two are
    then no answer). ``percent`` says what 10% is: the number 10, or the fraction 0.1.
    """

    value: int | float | str | None = None
    tolerance: float = 0.0
    relative_tolerance: float = 0.0
    which: Literal["last", "first", "only"] = "last"
    percent: Literal["number", "fraction"] = "number"
    decimal_comma: bool = False

    def __post_init__(self) -> None:
        for name in ("tolerance", "relative_tolerance"):
            bound = getattr(self, name)
            if not (math.isfinite(bound) and bound >= 0):
                raise ValueError(f"{name} must be a number from 0 up, not {bound}")
        if self.which not in {"last", "first", "only"}:
            raise ValueError(f"which must be last, first or only, not {self.which!r}")
        if self.percent not in {"number", "fraction"}:
            raise ValueError(f"percent must be number or fraction, not {self.percent!r}")
        if self.value is not None and self._wanted(self.value) is None:
            raise ValueError(f"value must be one finite number, not {self.value!r}")

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        targets = wanted_values(self.value, sample.target)
        if isinstance(targets, NoTarget):
            return targets.score("numeric")
        wanted = [self._wanted(target) for target in targets]
        if None in wanted:
            unread = targets[wanted.index(None)]
            return unscored("numeric", f"the target {quote(unread)} is not one finite number")
        number = self._read(choice.text or "")
        if isinstance(number, str):
            return wrong("numeric", number)
        answer = self._value(number)
        if answer is None:
            return wrong(
                "numeric", f"{quote(number.text)} has no value or too long a one", number.text
            )
        if any(one is not None and self._close(answer, one) for one in wanted):
            return right("numeric", number.text)
        shown = " or ".join(quote(str(target)) for target in targets[:4])
        return wrong("numeric", f"answered {quote(number.text)}, wanted {shown}", number.text)

    def _read(self, text: str) -> Number | str:
        """The number that is the answer, or a sentence about why there is none."""
        found = list(numbers_in(text, decimal_comma=self.decimal_comma))
        if not found:
            return "the answer holds no number"
        if self.which == "only" and len(found) > 1:
            return f"the answer holds {len(found)} numbers, not only one"
        return found[0] if self.which == "first" else found[-1]

    def _wanted(self, target: Any) -> Fraction | None:
        if isinstance(target, bool):
            return None
        if isinstance(target, int):
            return Fraction(target)
        if isinstance(target, float):
            # As written: the author of 0.1 means a tenth, not the nearest binary fraction.
            return Fraction(repr(target)) if math.isfinite(target) else None
        if not isinstance(target, str):
            return None
        found = list(numbers_in(target, decimal_comma=self.decimal_comma))
        return self._value(found[0]) if len(found) == 1 else None

    def _value(self, number: Number) -> Fraction | None:
        if number.value is not None and number.percent and self.percent == "fraction":
            return number.value / _HUNDRED
        return number.value

    def _close(self, answer: Fraction, wanted: Fraction) -> bool:
        relative = Fraction(repr(float(self.relative_tolerance))) * abs(wanted)
        return abs(answer - wanted) <= max(Fraction(repr(float(self.tolerance))), relative)
