"""JSON from a stranger, looked at field by field."""

import json
import math
from typing import Any

from stepeval.core.chat import JsonObject

_LAST_S = 253_402_300_800
_LARGEST = 2**60  # nanoseconds of thirty years, and far from where 64 bits end


class BadJson(Exception):
    """``str()`` is what is wrong with it."""


def parse_object(line: bytes) -> JsonObject:
    try:
        data = json.loads(line.decode(), parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BadJson(f"this is no JSON ({said[:200]})") from None
    if not isinstance(data, dict):
        raise BadJson("must be a JSON object")
    return data


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:40]} is too large a number")
    return value


def check_names(data: JsonObject, wanted: frozenset[str]) -> None:
    """These names, and no others."""
    if data.keys() != wanted:
        name = min(data.keys() ^ wanted)
        raise BadJson(f"{name[:40]!r} is {'missing' if name in wanted else 'unknown'}")


def text(data: JsonObject, name: str) -> str:
    value: Any = data.get(name)
    if not isinstance(value, str):
        raise BadJson(f"{name} must be text")
    return value


def mapping(data: JsonObject, name: str) -> JsonObject:
    value: Any = data.get(name)
    if not isinstance(value, dict):
        raise BadJson(f"{name} must be a JSON object")
    return value


def truth(data: JsonObject, name: str) -> bool:
    value: Any = data.get(name)
    if not isinstance(value, bool):
        raise BadJson(f"{name} must be true or false")
    return value


def integer(data: JsonObject, name: str) -> int:
    value: Any = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST:
        raise BadJson(f"{name} must be an integer")
    return value


def count(data: JsonObject, name: str) -> int:
    value = integer(data, name)
    if value < 0:
        raise BadJson(f"{name} must not be negative")
    return value


def seconds(data: JsonObject, name: str) -> float:
    """Since 1970, and before the year 10,000."""
    value: Any = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LAST_S:
        raise BadJson(f"{name} must be seconds since 1970")
    return float(value)
