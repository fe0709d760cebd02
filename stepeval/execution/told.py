"""What a server says of its limits in x-ratelimit-* headers. Pure; nothing here is ever needed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PREFIX = "x-ratelimit-"
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_BEYOND_ANY = 1e12  # no account has such a limit: whoever says so says nothing
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Told:
    """Per minute, as is the custom. ``reset_s``: when something that is used up is there again."""

    requests: float | None = None
    tokens: float | None = None
    reset_s: float | None = None


def read_told(headers: Mapping[str, str] | None) -> Told:
    """By lower-case names. A value that is no number above 0 says nothing."""
    if not headers:
        return Told()
    waits = [
        wait
        for what in ("requests", "tokens")
        if _number(headers.get(f"{_PREFIX}remaining-{what}")) == 0
        and (wait := _duration(headers.get(f"{_PREFIX}reset-{what}"))) is not None
    ]
    return Told(
        _number(headers.get(f"{_PREFIX}limit-requests")) or None,
        _number(headers.get(f"{_PREFIX}limit-tokens")) or None,
        max(waits, default=None),
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < _BEYOND_ANY else None


def _duration(text: str | None) -> float | None:
    """Seconds, from 6m0s, 250ms or a plain number."""
    parts = _PART.findall(text or "")
    if parts and "".join(number + unit for number, unit in parts) == text:
        return sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return _number(text)
