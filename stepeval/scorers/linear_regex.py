r"""Regular expressions in linear time, whatever the pattern and whatever the text.

A suite's patterns meet texts that nobody has read. A backtracking engine can take longer than
the universe has on thirty characters; RE2 (https://github.com/google/re2/wiki/Syntax) can not,
and in turn has no look-around and no backreferences. Its ``\w``, ``\d`` and ``\b`` are ASCII.
"""

from functools import lru_cache
from typing import Any, Protocol

import re2

from stepeval.scorers.verdict import quote

_MOST_INSTRUCTIONS = 10_000  # time is text * instructions, so this is half of the bound
_MOST_MEMORY = 8 * 2**20  # bytes
_LOOK_AROUND = ("(?=", "(?!", "(?<=", "(?<!")


class Match(Protocol):
    def __getitem__(self, group: int | str) -> str | None: ...


class Program(Protocol):
    groups: int
    groupindex: dict[str, int]

    def search(self, text: str) -> Match | None: ...

    def fullmatch(self, text: str) -> Match | None: ...


@lru_cache(maxsize=512)
def compiled(pattern: str, *, ignore_case: bool = False) -> Program:
    """Raises ValueError, with the reason, for a pattern that cannot be held or is too large."""
    options = re2.Options()
    options.log_errors = False  # it would write to stderr, past every handler
    options.max_mem = _MOST_MEMORY
    options.case_sensitive = not ignore_case
    try:
        program: Any = re2.compile(pattern, options)
    except UnicodeEncodeError:
        raise ValueError(f"the pattern {quote(pattern)} is no valid Unicode") from None
    except re2.error as error:
        reason = _reason(pattern, error.args[0] if error.args else error)
        raise ValueError(f"the pattern {quote(pattern)} {reason}") from None
    if program.programsize > _MOST_INSTRUCTIONS:
        raise ValueError(
            f"the pattern {quote(pattern)} is too large: it compiles to {program.programsize} "
            f"instructions, and {_MOST_INSTRUCTIONS} are the most"
        )
    result: Program = program
    return result


def _reason(pattern: str, error: object) -> str:
    said = error.decode("utf-8", "replace") if isinstance(error, bytes) else str(error)
    if "invalid perl operator" in said and any(mark in pattern for mark in _LOOK_AROUND):
        return "uses look-around, which RE2 does not have (that is how it stays linear)"
    if "invalid escape sequence" in said and said.rstrip()[-1:] in tuple("123456789"):
        return "uses a backreference, which RE2 does not have (that is how it stays linear)"
    if "too large" in said:
        return "is too large: its repetitions multiply"
    return f"is not valid in RE2's syntax: {said}"


def searchable(text: str) -> str:
    """``text`` with lone surrogates (JSON can escape them) as U+FFFD: RE2 reads UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
