"""What can go wrong, and the exit code each ends with.

::

    StepevalError                 70  a fault of stepeval's own, unless a subclass says otherwise
    ├── UsageError                 2  the input is wrong; the message says where and what is right
    │   ├── SuiteError             2  every mistake of a suite file, each with file:line:column
    │   ├── UnknownName            2  a name nothing answers to, with the nearest known ones
    │   └── RunNotFound            2  no stored run has this name
    ├── RunIncomplete              4  stopped before every cell had its record; resumable
    ├── ProviderError              5  the API refuses the key or the account, or nothing worked
    ├── StoreError                 4  the run's file cannot be written or read; its content is safe
    └── Interrupted              130  the user said stop; what came back is stored

A failed *request* is none of these: it is data (:class:`stepeval.core.record.Failure`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import IntEnum

_MOST_LOOKED_AT = 20_000  # letters of a name times known names
_MOST_NAMES = 12  # more would hide the sentence they end


class ExitCode(IntEnum):
    """Exit codes of every command."""

    OK = 0
    REGRESSED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    INCOMPLETE = 4
    PROVIDER = 5
    INTERNAL = 70
    INTERRUPTED = 130


class StepevalError(Exception):
    exit_code = ExitCode.INTERNAL


class UsageError(StepevalError):
    exit_code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, with the place where it stands. Lines and columns count from 1."""

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)
        return f"{place}: {self.message}" if place else self.message


class SuiteError(UsageError):
    """All mistakes of a suite at once, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownName(UsageError):
    """``kind`` is what was looked for ("scorer", "arm"); ``known`` are the names that exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        super().__init__(f"unknown {kind} {name!r}{did_you_mean(name, known)}")


class RunNotFound(UsageError):
    pass


class RunIncomplete(StepevalError):
    exit_code = ExitCode.INCOMPLETE


class StoreError(StepevalError):
    exit_code = ExitCode.INCOMPLETE


class ProviderError(StepevalError):
    exit_code = ExitCode.PROVIDER


class Interrupted(StepevalError):
    exit_code = ExitCode.INTERRUPTED


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one is most likely a misspelling of, if it is near one at all."""
    names = {known_name.lower(): known_name for known_name in sorted(known, reverse=True)}
    if len(names) * len(name) > _MOST_LOOKED_AT:
        return None  # a hint is not worth a wait
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return names[near[0]] if near else None


def misspelling(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one looks like a slip of, where unknown names are welcome too."""
    meant = nearest(name, known)
    is_slip = meant is not None and meant != name and abs(len(meant) - len(name)) <= 1
    return meant if is_slip else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: the nearest known name, or all of them when none is near."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f" (did you mean {near!r}?)"
    if not names:
        return ""
    shown = ", ".join(names[:_MOST_NAMES]) + (", ..." if len(names) > _MOST_NAMES else "")
    return f" (known: {shown})"
