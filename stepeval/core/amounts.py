"""Money, time and shares as people write them: ``5USD``, ``2h``, ``1h30m``, ``2pp``."""

import math
import re
from dataclasses import dataclass

_MONEY = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]{3})")
_POINTS = re.compile(r"(\d+(?:\.\d+)?) ?(?:pp|%|points?)")
_PART = re.compile(r"(\d+(?:\.\d+)?) ?(h|min|m|s)")
_SECONDS = {"h": 3600.0, "min": 60.0, "m": 60.0, "s": 1.0}
_DIGITS = 3
_MOST_SHOWN = 40  # characters of what somebody wrote
_MOST_MONEY = 1e12
_MOST_SECONDS = 1e9  # thirty years


@dataclass(frozen=True, slots=True)
class Money:
    """``currency`` is an ISO code in capital letters. Amounts of two currencies never meet."""

    amount: float
    currency: str

    def __str__(self) -> str:
        """Cents, and below one unit three digits that count."""
        decimals = 2
        if 0 < abs(self.amount) < 1:
            decimals = max(2, _DIGITS - 1 - math.floor(math.log10(abs(self.amount))))
        text = f"{self.amount:,.{decimals}f}"
        if decimals > 2:  # noqa: PLR2004 - cents stay
            text = text[: -(decimals - 2)] + text[-(decimals - 2) :].rstrip("0")
        return f"{text.removesuffix('.00')} {self.currency}"


def parse_money(text: str) -> Money:
    """Raises ValueError, its message the end of a sentence: "must be ..."."""
    money = parse_threshold(text)
    if not money.amount:
        raise ValueError(_no_money(text))
    return money


def parse_threshold(text: str) -> Money:
    """Money that may be none: ``0USD`` is what every cost lies above.

    Raises ValueError, its message the end of a sentence: "must be ...".
    """
    found = _MONEY.fullmatch(text.strip())
    if found is None or not float(found[1]) <= _MOST_MONEY:
        raise ValueError(_no_money(text))
    return Money(float(found[1]), found[2].upper())


def _no_money(text: str) -> str:
    return f"must be an amount and its currency, such as 5USD, not {_shown(text)}"


def parse_points(text: str) -> float:
    """A share: 0.02 for ``2pp``, ``2%`` or ``2 points``; above 0, at most 1.

    Raises ValueError, its message the end of a sentence: "must be ...".
    """
    found = _POINTS.fullmatch(text.strip())
    share = 0.0 if found is None else float(found[1]) / 100
    if not 0 < share <= 1:
        raise ValueError(f"must be percentage points, such as 2pp, and at most 100, not {text!r}")
    return share


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError, its message the end of a sentence: "must be ..."."""
    compact = text.strip()
    parts = _PART.findall(compact)
    whole = re.fullmatch(rf"(?:{_PART.pattern}\s*)+", compact)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if whole is None or not 0 < seconds <= _MOST_SECONDS:
        raise ValueError(
            f"must be a time with its unit, such as 30s, 10m or 2h, not {_shown(text)}"
        )
    return seconds


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}...")


def duration_text(seconds: float) -> str:
    """``2 h``, ``1 h 30 min``, ``10 min``, ``45 s``: the two largest units that hold something."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    named = ((hours, "h"), (minutes, "min"), (rest, "s"))
    kept = [f"{number} {unit}" for number, unit in named if number][:2]
    return " ".join(kept) or "0 s"
