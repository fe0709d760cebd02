"""A benchmark as it goes on, in one line: little drawing, for this process measures."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from stepeval.cli.load_search import trial_words
from stepeval.cli.progress import Tally, duration
from stepeval.core.load import Trial
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Cell, Suite

if TYPE_CHECKING:
    from stepeval.api.bench.job import Order, Pulse
    from stepeval.api.bench.pace import Pace

_DRAWN_EVERY_S = 0.5
_LINE_EVERY_S = 5.0
_TENTHS_UP_TO_S = 60


class LoadProgress:
    """A LoadListener. On a terminal one line that is written over, elsewhere lines. Counts
    attempts as they are stored, and draws when it is told of what is under way.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._live = not quiet and sys.stderr.isatty()
        self._every_s = _DRAWN_EVERY_S if self._live else _LINE_EVERY_S
        self._due = 0.0
        self._tally: Tally | None = None
        self._pace: Pace | None = None
        self._where = ""
        self._phase = 0
        self._phase_began = 0.0
        self._phase_done = 0
        self._planned: int | None = None
        self._later: int | None = None
        self._pulse: Pulse | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wipe()

    def begin(self, suite: Suite, mode: Mode, pace: "Pace") -> None:
        """The suite is known now."""
        self._tally, self._pace = Tally(suite, mode), pace

    def started(self, *, total: int, already_done: int) -> None:
        """How many there will be is not known beforehand."""

    def phase_began(self, order: "Order", *, phases: int | None) -> None:
        assert self._pace is not None
        unit = " in flight" if self._pace.is_closed else "/s"
        self._phase += 1
        self._where = f"phase {self._phase}" + ("" if phases is None else f"/{phases}")
        self._where += f"  {order.load:g}{unit}"
        self._phase_began, self._phase_done = time.monotonic(), 0
        self._planned = self._pace.requests(order.load)
        self._later = None if phases is None else phases - self._phase
        self._due = time.monotonic() + self._every_s
        self._pulse = None
        if self._live:
            self._draw()

    def attempted(self, cell: Cell, attempt: Attempt, *, final: bool) -> None:
        assert self._tally is not None
        self._tally.count(cell, attempt, final=final)
        self._phase_done += final

    def under_way(self, pulse: "Pulse") -> None:
        self._pulse = pulse
        now = time.monotonic()
        if not self._quiet and self._phase and now >= self._due:
            self._due = now + (0 if self._live else self._every_s)
            self._draw()

    def waiting(self, cell: Cell, *, seconds: float) -> None:
        """Retries are counted when they have ended."""

    def judged(self, trial: Trial, *, goes_on: bool) -> None:
        if self._quiet:
            return
        self._wipe()
        said = f"{trial.load:g}/s: {trial_words(trial)}"
        click.echo(f"{said}; once more" if goes_on else said, err=True)

    def line(self) -> str:
        assert self._tally is not None
        tally, left = self._tally, self._seconds_left()
        elapsed = time.monotonic() - self._phase_began
        of = "" if self._planned is None else f"/{self._planned}"
        parts = [
            self._where,
            f"{self._phase_done}{of} ended",
            f"{tally.failed} failed" if tally.failed else "",
            f"{tally.retries} retried" if tally.retries else "",
            f"{self._phase_done / elapsed:.1f}/s" if elapsed > 0 else "",
            tally.spend(),
            "" if self._pulse is None else _under_way(self._pulse),
            "" if left is None else f"about {duration(left)} left",
        ]
        return "  ".join(part for part in parts if part)

    def _seconds_left(self) -> float | None:
        """Of all phases, if the later ones take as long as this one."""
        assert self._pace is not None
        elapsed = time.monotonic() - self._phase_began
        plan = self._pace.plan
        whole: float | None = None
        if plan.duration_s is not None:
            whole = plan.duration_s + (self._pace.warm_s or 0)
        elif self._planned and self._phase_done:
            whole = elapsed * self._planned / self._phase_done
        if whole is None:
            return None
        return max(whole - elapsed, 0.0) + whole * (self._later or 0)

    def _draw(self) -> None:
        if self._live:
            click.echo(f"\r\x1b[K{self.line()}", nl=False, err=True)
        else:
            click.echo(self.line(), err=True)

    def _wipe(self) -> None:
        if self._live:
            click.echo("\r\x1b[K", nl=False, err=True)


def _under_way(pulse: "Pulse") -> str:
    if not pulse.in_flight:
        return ""
    age = "" if pulse.oldest_ns is None else f", the oldest for {_age(pulse.oldest_ns)}"
    last = "waiting for the last answers: " if pulse.draining else ""
    return f"{last}{pulse.in_flight:,} in flight{age}"


def _age(since_ns: int) -> str:
    seconds = max(0.0, (time.monotonic_ns() - since_ns) / 1e9)
    return f"{seconds:.1f} s" if seconds < _TENTHS_UP_TO_S else duration(seconds)
