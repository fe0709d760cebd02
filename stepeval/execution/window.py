"""One phase of a load benchmark: warm-up, measured window, end. No clock of its own, and no IO."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stepeval.execution.purse import OwnPurse, Purse


@dataclass(frozen=True, slots=True)
class Bounds:
    """``warm_requests`` or ``warm_ns`` come first; then ``requests`` or ``duration_ns`` are
    measured. Of each pair one may be None; a schedule that ends by itself needs no bound.
    """

    warm_requests: int | None = None
    warm_ns: int | None = None
    requests: int | None = None
    duration_ns: int | None = None


class Window:
    """Lets moments pass until the bounds are reached, and notes where the parts begin.

    ``steady_ns``: the first measured moment, None before it. ``end_ns``: the first moment that
    was not let through, None while the phase goes on. ``count``: moments let through. Where
    several processes share the requests, ``warm`` and ``measured`` are what they take them from.
    """

    def __init__(
        self,
        bounds: Bounds,
        begin_ns: int,
        *,
        warm: Purse | None = None,
        measured: Purse | None = None,
    ) -> None:
        self._bounds = bounds
        self._warm = warm or OwnPurse(bounds.warm_requests or 0)
        self._left = measured or OwnPurse(bounds.requests or 0)
        self.begin_ns = begin_ns
        self.steady_ns: int | None = None
        self.end_ns: int | None = None
        self.count = 0
        self._measured = 0
        self._first = self._latest = begin_ns - 1

    def admitted(self, moments: Iterable[int]) -> Iterator[int]:
        """``moments`` at which requests could leave (ns, rising), up to the phase's end."""
        for moment in moments:
            if self.steady_ns is None:
                self.steady_ns = self._steady_at(moment)
            if self._is_over(moment):
                return
            self.count += 1
            if self.steady_ns is not None:
                self._first = moment if self._measured == 0 else self._first
                self._measured += 1
            self._latest = moment
            yield moment
        self.end_ns = self._latest + self._mean_gap()

    def close(self, now_ns: int, *, cut: bool) -> tuple[int, int]:
        """When measuring began and ended. ``cut``: the user or a refusal ended it before time, and
        the latest moment was the last one in which the load was held.

        Both are the same where it never left its warm-up: nothing is measured then.
        """
        end = now_ns if self.end_ns is None else self.end_ns
        if cut:
            end = min(end, now_ns, self._latest + 1)
        return (end if self.steady_ns is None else min(self.steady_ns, end)), end

    def _steady_at(self, moment: int) -> int | None:
        bounds = self._bounds
        if bounds.warm_ns is not None:
            steady = self.begin_ns + bounds.warm_ns
            return steady if moment >= steady else None
        return None if self._warm.take() else moment

    def _mean_gap(self) -> int:
        """How long the last measured moment lasts, where the schedule ran out: n moments span only
        n - 1 gaps, and a rate over those would be n / (n - 1) too high. At least 1 ns.
        """
        span = self._latest - self._first
        return max(1, round(span / (self._measured - 1))) if self._measured > 1 else 1

    def _is_over(self, moment: int) -> bool:
        if self.steady_ns is None:
            return False
        duration = self._bounds.duration_ns
        if duration is not None and moment >= self.steady_ns + duration:
            self.end_ns = self.steady_ns + duration
        elif self._bounds.requests is not None and not self._left.take():
            self.end_ns = moment
        return self.end_ns is not None
