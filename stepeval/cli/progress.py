"""A run as it goes on: done, rate, spend, time left. On a terminal a bar, elsewhere lines."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from stepeval.cli.terminal import one_line, plain
from stepeval.core.amounts import Money
from stepeval.core.chat import Failure, Response
from stepeval.core.pricing import cost, price_for
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Cell, Suite

if TYPE_CHECKING:
    from rich.progress import Progress

_LINE_EVERY_S = 5.0
_BAR_EVERY_S = 0.1
_LONGEST = 1_000  # characters of a line that is said


@dataclass
class Tally:
    """What a listener has been told so far. Money is counted by currency, and only when known.

    ``used`` tells what of the suite's budget is used by now, all sessions together.
    """

    suite: Suite
    mode: Mode
    total: int = 0
    done: int = 0
    done_before: int = 0
    failed: int = 0
    retries: int = 0
    recalled: int = 0
    spent: dict[str, float] = field(default_factory=dict)
    unpriced: int = 0
    began: float = field(default_factory=time.monotonic)
    paused: str | None = None
    used: Callable[[], float] | None = None

    def count(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        result = attempt.exchange.result
        self.done += final
        self.retries += not final
        self.failed += final and isinstance(result, Failure)
        if attempt.exchange.from_cache or self.mode is Mode.REPLAY:
            self.recalled += attempt.exchange.from_cache
            return  # nobody is paid for it
        paid = result if isinstance(result, Response) else result.partial
        if paid is not None:
            self._spend(cell, paid)

    def _spend(self, cell: Cell, response: Response) -> None:
        price = price_for(cell.arm, self.suite, self.mode)
        amount = cost(response.usage, price)
        if price is None or amount is None:
            self.unpriced += 1
        else:
            self.spent[price.currency] = self.spent.get(price.currency, 0.0) + amount

    def rate(self) -> float:
        """Cells a second since this session began, but for those that the cache answered."""
        elapsed = time.monotonic() - self.began
        asked = self.done - self.done_before - self.recalled
        return asked / elapsed if elapsed > 0 else 0.0

    def seconds_left(self) -> float | None:
        rate = self.rate()
        return (self.total - self.done) / rate if rate > 0 else None

    def spend(self) -> str:
        """Unknown is said, never shown as nothing. Where a budget is held, as the budget counts."""
        bound = self.suite.budget.cost
        if bound is not None and self.used is not None and self.mode is not Mode.REPLAY:
            used = str(Money(self.used(), bound.currency))
            return f"{used.removesuffix(f' {bound.currency}')} of {bound}"
        known = " + ".join(f"{amount:.4f} {currency}" for currency, amount in self.spent.items())
        if not self.unpriced:
            return known or "0"
        return f"{known} + {self.unpriced} of unknown price" if known else "cost unknown"

    def line(self) -> str:
        left = self.seconds_left()
        parts = [
            f"{self.done}/{self.total}",
            f"{self.rate():.1f}/s",
            self.spend(),
            f"{self.recalled} from the cache" if self.recalled else "",
            f"{self.failed} failed" if self.failed else "",
            f"{self.retries} retried" if self.retries else "",
            self.paused or ("" if left is None else f"about {duration(left)} left"),
        ]
        return "  ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class LineProgress:
    """For logs and pipes: a line on standard error every few seconds. Quiet when told so."""

    def __init__(self, tally: Tally, *, quiet: bool) -> None:
        self.tally = tally
        self._quiet = quiet
        self._due = time.monotonic() + _LINE_EVERY_S

    def started(self, *, total: int, already_done: int) -> None:
        self.tally.total, self.tally.done = total, already_done
        self.tally.done_before = already_done
        self.tally.began = time.monotonic()

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        self.tally.count(cell, attempt, final=final)
        if time.monotonic() >= self._due and not self._quiet:
            self._due = time.monotonic() + _LINE_EVERY_S
            click.echo(self.tally.line(), err=True)

    def waiting(self, cell: Cell, *, seconds: float) -> None:
        """Retries are counted, not listed: a log of waits helps nobody."""

    def paused(self, reason: str | None) -> None:
        """Nothing is sent for this ``reason``; None: it goes on."""
        self.tally.paused = None if reason is None else plain(reason)
        if not self._quiet:
            click.echo(self.tally.paused or "goes on", err=True)

    def watch(self, used: Callable[[], float]) -> None:
        self.tally.used = used

    def say(self, line: str) -> None:
        """Something was decided."""
        if not self._quiet:
            click.echo(one_line(line, _LONGEST), err=True)


class BarProgress(LineProgress):
    def __init__(self, tally: Tally, bar: "Progress") -> None:
        super().__init__(tally, quiet=True)
        self._bar = bar
        self._task = bar.add_task("", total=None, line="")
        self._drawn = 0.0

    def started(self, *, total: int, already_done: int) -> None:
        super().started(total=total, already_done=already_done)
        self._draw()

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        super().attempted(cell, attempt, final=final)
        # Drawing costs more than counting: ten times a second is as much as an eye takes in.
        if time.monotonic() - self._drawn >= _BAR_EVERY_S or self.tally.done == self.tally.total:
            self._draw()

    def paused(self, reason: str | None) -> None:
        super().paused(reason)
        self._draw()

    def say(self, line: str) -> None:
        self._bar.console.print(one_line(line, _LONGEST), markup=False, highlight=False)

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        tally = self.tally
        self._bar.update(
            self._task, total=tally.total, completed=tally.done, line=tally.line(), refresh=True
        )


class LateListener:
    """Passes on to a listener that can only be made once the suite is known."""

    def __init__(self) -> None:
        self.inner: Any = None

    def started(self, *, total: int, already_done: int) -> None:
        self.inner.started(total=total, already_done=already_done)

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        self.inner.attempted(cell, attempt, final=final)

    def waiting(self, cell: Cell, *, seconds: float) -> None:
        self.inner.waiting(cell, seconds=seconds)

    def paused(self, reason: str | None) -> None:
        self.inner.paused(reason)

    def watch(self, used: Callable[[], float]) -> None:
        self.inner.watch(used)

    def say(self, line: str) -> None:
        self.inner.say(line)


@contextmanager
def progress(tally: Tally, *, quiet: bool) -> Iterator[LineProgress]:
    if quiet or not sys.stderr.isatty():
        yield LineProgress(tally, quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=30), TextColumn("{task.fields[line]}", markup=False))
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False) as bar:
        yield BarProgress(tally, bar)
