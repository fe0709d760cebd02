"""Numbers as people read them. None is said in words, and is never a zero."""

import math
from datetime import UTC, datetime

from stepeval.core.record import Outcome

_SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£"}
_SECOND_MS = 1000.0
_MINUTE_S, _HOUR_S = 60, 3600
_CENTS = 2

LABELS = {
    Outcome.CORRECT: "correct",
    Outcome.INCORRECT: "incorrect",
    Outcome.UNSCORED: "unscored",
    Outcome.NO_ANSWER: "no answer",
    Outcome.FILTERED: "filtered",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "skipped",
}


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def percents(low: float | None, high: float | None) -> str:
    """An interval of shares; empty where there is none."""
    return "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"


def milliseconds(value: float | None) -> str:
    if value is None:
        return "unknown"
    if value < _SECOND_MS:
        return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"  # noqa: PLR2004 - two digits
    seconds = value / _SECOND_MS
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:,.1f} s"  # noqa: PLR2004 - three digits


def span(low: str, high: str) -> str:
    """Both ends of an interval as text, the unit said once where it is the same."""
    if low == high:
        return ""
    number, _, unit = low.partition(" ")
    return f"{number} to {high}" if high.partition(" ")[2] == unit else f"{low} to {high}"


def duration(seconds: float) -> str:
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < _HOUR_S:
        return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"


def money(value: float | None, currency: str | None) -> str:
    """Three digits that count, and never fewer than cents."""
    if value is None:
        return "unknown"
    decimals = _CENTS if value == 0 else max(_CENTS, _CENTS - math.floor(math.log10(abs(value))))
    whole, _, part = f"{value:,.{decimals}f}".partition(".")
    digits = f"{whole}.{part[:_CENTS]}{part[_CENTS:].rstrip('0')}"
    symbol = _SYMBOLS.get(currency or "")
    return f"{symbol}{digits}" if symbol else f"{digits} {currency or ''}".strip()


def count(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def rate(value: float) -> str:
    """So many a second."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - three digits


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def times(ratio: float) -> str:
    """How many times as much, to be read before "its cost"."""
    if ratio < 1:
        return f"{ratio:.2g}x"
    return f"{ratio:.1f}x" if ratio < 10 else f"{ratio:,.0f}x"  # noqa: PLR2004 - two digits


def moment(seconds: float) -> str:
    """Wall clock, in UTC: a report is read in other places than it was made."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
