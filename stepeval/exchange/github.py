"""Checks as GitHub Actions shows them: annotations at lines of files, and the summary of a step.

Texts of models and data sets are in both, so they are written in ways that nothing obeys.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from stepeval.analysis.check_words import whole
from stepeval.analysis.checks import Check, Checked, Ending
from stepeval.analysis.leaderboard import ArmSummary
from stepeval.core.printable import plain
from stepeval.core.record import Mode

MOST_ANNOTATIONS = 10  # of one kind in a step: GitHub drops what is more
_MOST_LISTED = 100
_LONGEST_NAME = 200
_LONGEST = 2_000  # characters of a check's text
_MOST_BYTES = 200_000  # of one run's summary: a step may have 1 MiB, and several runs
_WHOLE_STEP = 1_000_000
_SPECIAL = re.compile(r"[^A-Za-z0-9 ]")


class _Estimate(Protocol):
    """As :class:`stepeval.stats.estimate.Estimate` is."""

    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


def annotations(checks: Iterable[Check], root: Path) -> Iterator[str]:
    """Workflow commands, a line each, for the first checks that are bad.

    ``root`` is the checkout: files are named relative to it.
    """
    bad = [check for check in checks if check.is_bad]
    for check in bad[:MOST_ANNOTATIONS]:
        file = None if check.file is None else _relative(check.file, root)
        yield annotation(whole(check), title=check.name, file=file, line=check.line)
    if len(bad) > MOST_ANNOTATIONS:
        rest = f"{len(bad) - MOST_ANNOTATIONS:,} more checks are not as expected: see the summary"
        yield annotation(rest, level="notice")


def annotation(
    message: str,
    *,
    level: str = "error",
    title: str | None = None,
    file: str | None = None,
    line: int | None = None,
) -> str:
    """One workflow command, which ends with its line; ``level`` is error, warning or notice."""
    values = {"file": file, "line": line, "title": title}
    told = ",".join(
        f"{name}={_property(str(value))}" for name, value in values.items() if value is not None
    )
    return f"::{level}{' ' if told else ''}{told}::{_message(message)}"


def _relative(file: str, root: Path) -> str:
    path = Path(file).resolve()
    return PurePosixPath(path.relative_to(root)).as_posix() if path.is_relative_to(root) else file


def _message(text: str) -> str:
    """By the rules of GitHub's toolkit; a command ends with its line."""
    shown = plain(text)[:_LONGEST]
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def summary(checked: Checked, verdict: str | None = None) -> str:
    """Markdown, of a bounded size: the arms, then what is not as expected.

    ``verdict`` is a gate's sentence.
    """
    info = checked.info
    mode = info.mode.value if info.mode is info.asked_as else f"{info.mode} of {info.asked_as}"
    counts = _counts(checked.checks)
    lines = [
        f"## {_text(info.suite_name)}",
        "",
        f"**{mode}** · {counts} · run {_code(info.id)}",
        "",
    ]
    if verdict is not None:
        lines += [_code(verdict, _LONGEST), ""]
    lines += [*_table(checked), ""]
    size = sum(len(line.encode()) + 1 for line in lines)
    bad = checked.bad
    for number, check in enumerate(bad):
        told = _block(check)
        size += len(told.encode()) + 1
        if number == _MOST_LISTED or size > _MOST_BYTES:
            lines.append(f"{len(bad) - number:,} more are not listed.")
            break
        lines.append(told)
    return "\n".join((*lines, ""))


def fits(text: str, already: int) -> bool:
    """Whether a step's summary that has ``already`` bytes can take this one, too."""
    return already + len(text.encode()) <= _WHOLE_STEP


def _counts(checks: Iterable[Check]) -> str:
    endings = [check.ending for check in checks]
    told = [(ending, endings.count(ending)) for ending in Ending]
    return ", ".join(f"{count:,} {ending.value}" for ending, count in told if count)


def _table(checked: Checked) -> Iterator[str]:
    recorded = " (recorded)" if checked.info.mode is Mode.REPLAY else ""
    heads = ("Arm", "n", "Right, 95%", "Score, 95%", f"E2E p50, ms{recorded}", "Cost")
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for arm in checked.arms[:_MOST_LISTED]:
        yield f"| {' | '.join(_cells(arm))} |"
    if len(checked.arms) > _MOST_LISTED:
        yield f"\n{len(checked.arms) - _MOST_LISTED:,} more arms are not listed."


def _cells(arm: ArmSummary) -> tuple[str, ...]:
    cost = "unknown" if arm.cost_total is None else f"{arm.cost_total:.4f} {arm.currency or ''}"
    return (
        _code(arm.arm),
        f"{arm.n:,}",
        _estimate(arm.accuracy, 100, ".1f"),
        _estimate(arm.score, 1, ".3f"),
        _estimate(arm.e2e_ms.p50, 1, ",.0f"),
        _text(cost),
    )


def _estimate(found: _Estimate, factor: float, form: str) -> str:
    if found.value is None:
        return "unknown"
    ends = (
        ""
        if found.low is None or found.high is None
        else f" ({format(factor * found.low, form)} to {format(factor * found.high, form)})"
    )
    return f"{format(factor * found.value, form)}{ends}"


def _block(check: Check) -> str:
    told = whole(check)
    shown = told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"
    head = f"{_text(check.ending.value)}: {_code(check.name)}"
    # Every special character as a number, line ends too: no Markdown, HTML or link is left of it.
    return f"<details><summary>{head}</summary><pre>{_numbered(shown)}</pre></details>"


def _text(text: str, most: int = _LONGEST_NAME) -> str:
    line = " ".join(text.split())
    return _numbered(line if len(line) <= most else line[: most - 1] + "…")


def _code(text: str, most: int = _LONGEST_NAME) -> str:
    """As code, in which GitHub looks for no mentions either."""
    return f"<code>{_text(text, most)}</code>"


def _numbered(text: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", plain(text))
