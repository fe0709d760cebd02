"""JSON as a model writes it, read within bounds: no text makes the reader fail or crawl."""

import json
import re
from typing import Any

MOST_NESTED = 64  # levels; what walks a value recursively must end before Python's stack does
_MOST_DIGITS = 300  # a longer integer is beyond a double's range, and slow to read
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_FENCE = "```"


class NotJson(Exception):
    """The text cannot be read; the message ends the sentence "the answer ..."."""


def read_json(text: str, *, extract: bool, strict: bool) -> Any:
    """The value that the whole of ``text`` is.

    Args:
        text: What the model wrote.
        extract: Read the last fenced block instead, where the text has one.
        strict: Refuse duplicate keys and the words NaN and Infinity, as RFC 8259 would have it.

    Raises:
        NotJson: It is none, nests deeper than 64 levels, or holds a number no double can hold.
    """
    text = fenced(text) if extract else text
    if not text.strip():
        raise NotJson("is empty")
    if _depth(text) > MOST_NESTED:
        raise NotJson(f"nests deeper than {MOST_NESTED} levels")
    try:
        return json.loads(
            text,
            parse_int=_integer,
            parse_float=_double,
            parse_constant=_no_constant if strict else float,
            object_pairs_hook=_unique if strict else None,
        )
    except json.JSONDecodeError as error:
        if not extract and _FENCE in text:
            raise NotJson("is not only JSON: extract would read its fenced block") from None
        where = f"line {error.lineno}, column {error.colno}"
        raise NotJson(f"is not JSON: {error.msg} ({where})") from None


def fenced(text: str) -> str:
    """What stands in the last block between lines of ```, or all of ``text`` without one."""
    blocks: list[list[str]] = []
    inside = False
    for line in text.split("\n"):
        if line.lstrip().startswith(_FENCE):
            inside = not inside
            if inside:
                blocks.append([])
        elif inside:
            blocks[-1].append(line)
    return "\n".join(blocks[-1]) if blocks else text


def comparable(value: Any) -> Any:
    """A hashable that is equal for equal JSON: 1 is 1.0, true is not 1, keys have no order.

    Raises:
        TypeError: The value has no JSON form (a date, bytes, a key that is no text).
    """
    if value is None or isinstance(value, bool):
        return ("constant", value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, str):
        return ("text", value)
    if isinstance(value, list | tuple):
        return ("list", tuple(comparable(item) for item in value))
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return ("object", frozenset((key, comparable(item)) for key, item in value.items()))
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _depth(text: str) -> int:
    deepest = depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match.group() in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif match.group() in "]}":
            depth -= 1
    return deepest


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise NotJson(f"holds an integer of {len(digits)} digits")
    return int(digits)


def _double(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise NotJson("holds a number beyond the range of a double")
    return value


def _no_constant(word: str) -> float:
    raise NotJson(f"holds {word}, which is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise NotJson(f"holds the key {key[:80]!r} twice in one object")
        result[key] = value
    return result
