"""Times, lists and limits as they are written on a command line. Raises UsageError, in one sentence
that names the option.
"""

import re
from dataclasses import fields

from stepeval.analysis.timing import Latency
from stepeval.core.errors import UnknownName, UsageError
from stepeval.core.load import Objective

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([a-z]+)")
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_LONGEST_S = 86_400.0
_METRICS = ("response", *(field.name for field in fields(Latency)))


def seconds(text: str, option: str) -> float:
    """``500ms``, ``5s``, ``2m``: more than nothing, a day at most."""
    found = _TIME.fullmatch(text.strip())
    if found is None or found[2] not in _UNITS:
        raise UsageError(f"{option} {text}: write a time with its unit, such as 500ms, 5s or 2m")
    value = float(found[1]) * _UNITS[found[2]]
    if not 0 < value <= _LONGEST_S:
        raise UsageError(f"{option} {text}: a time is more than 0 and at most 24h")
    return value


def within(value: float, option: str, least: float, most: float) -> float:
    """What is not a number is within nothing."""
    if not least <= value <= most:
        raise UsageError(f"{option} {value:g}: a number from {least:g} to {most:,g} is asked for")
    return value


def number(text: str, option: str) -> float:
    """More than nothing."""
    if not _NUMBER.fullmatch(text.strip()) or not float(text) > 0:
        raise UsageError(f"{option}: {text!r} is no number above 0")
    return float(text)


def numbers(text: str, option: str) -> tuple[float, ...]:
    """``1,2,4``, each of them once."""
    found = tuple(number(part, option) for part in text.split(","))
    if len(set(found)) < len(found):
        raise UsageError(f"{option} {text}: each load stands there once; --repeats runs it again")
    return found


def span(text: str, option: str, names: str, *, least: float | None = None) -> tuple[float, float]:
    """``LOW:HIGH``, or what ``names`` calls the two. ``least``: the first one may be this, too."""
    parts = text.split(":")
    if len(parts) != 2:  # noqa: PLR2004 -- both ends
        raise UsageError(f"{option} {text}: write it as {names}, such as 1:50")
    first = least if least is not None and parts[0].strip() == f"{least:g}" else None
    return number(parts[0], option) if first is None else first, number(parts[1], option)


def objectives(texts: tuple[str, ...]) -> tuple[Objective, ...]:
    """Each ``ttft=500ms``, or several joined by commas; of one metric only one limit."""
    limits: dict[str, Objective] = {}
    for text in (part for whole in texts for part in whole.split(",")):
        metric, separator, limit = (part.strip() for part in text.partition("="))
        if not separator or not limit:
            raise UsageError(f"--slo {text}: write it as METRIC=TIME, such as ttft=500ms")
        if metric not in _METRICS:
            raise UnknownName("metric of --slo", metric, _METRICS)
        if metric in limits:
            raise UsageError(f"--slo {text}: {metric} has a limit already")
        limits[metric] = Objective(metric, seconds(limit, f"--slo {metric}") * 1000)
    return tuple(limits.values())
