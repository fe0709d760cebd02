"""One quantity by the minute, held to what is allowed of it. Pure: the time is handed in."""

import math
from collections import deque

from stepeval.execution.allowance import Allowance
from stepeval.execution.even import EvenPace
from stepeval.execution.trailing import Trailing, Use

_MARGIN = 1.01  # clocks and networks are not even: the minute we count is longer than a minute
_CATCH_UP = 0.5  # faster where nothing was sent for a minute: what a pause cost is made up for
_REMEMBERED, _ENOUGH = 6, 3
_CHANGED = 0.9
_ABOVE_ALL_SEEN = 1.1


class Rate:
    """Counts what was sent within the last minute, and spreads it evenly.

    ``reserve``: how many times its estimate a request is reckoned to use until it is answered. None
    where nothing is estimated. Else what was answered is held to the limit as well: what a request
    used is known only then, and a server may charge it then.
    """

    def __init__(
        self, known: int | None, window_s: float, now: float, *, reserve: float | None = None
    ) -> None:
        self._exact = reserve is None
        self._reserve = reserve or 1.0
        level = math.inf if known is None else float(known)
        self.allowance = Allowance(level, level, proof_s=window_s, exact=self._exact)
        self._window_s = window_s * _MARGIN
        self._pace = EvenPace(window_s / 60, now)
        self._sent = Trailing(self._window_s)
        self._answered = Trailing(self._window_s)
        self._refusals: deque[float] = deque(maxlen=_REMEMBERED)

    def ready_at(self, now: float, amount: float) -> float:
        level = self.allowance.level
        if level == math.inf:
            return now
        ready = max(
            self._pace.ready_at(now, self._haste(now) * level / self._window_s),
            self._sent.room_at(now, self._reserve * amount, level),
        )
        return ready if self._exact else max(ready, self._answered.room_at(now, 1, level))

    def _haste(self, now: float) -> float:
        """Times the even pace. Not where amounts are estimated: haste there overshoots."""
        if not self._exact:
            return 1.0
        return 1 + _CATCH_UP * max(0.0, 1 - self._sent.total(now) / self.allowance.level)

    def send(self, now: float, amount: float) -> Use:
        self._pace.spend(amount)
        return self._sent.add(now, self._reserve * amount)

    def settle(self, use: Use, now: float, amount: float) -> None:
        self._pace.spend(amount - use.amount / self._reserve)
        self._sent.correct(use, amount)
        if amount and not self._exact:
            self._answered.add(now, amount)

    def used(self, now: float) -> float:
        return self._sent.total(now)

    def cut(self, used: float, now: float, *, factor: float, hold_s: float) -> None:
        before = self.allowance.proven(now)
        self.allowance.cut(used, now, factor=factor, hold_s=hold_s)
        if self.allowance.level < _CHANGED * before:  # those before were about another limit
            self._refusals.clear()
        self._refusals.append(used)

    def recurs(self, used: float, within: float) -> bool:
        """Whether one of the latest refusals came at as much; ``within`` is a share of it."""
        return any(abs(used - seen) <= within * used for seen in self._refusals)

    @property
    def spread(self) -> float:
        """How far the latest refusals disagree about this limit, as a share; 1 for too few."""
        seen = self._refusals
        return (max(seen) - min(seen)) / max(seen) if len(seen) >= _ENOUGH else 1.0

    def acquit(self) -> None:
        """Refusals came at this much and at that: it was something else that they were about."""
        self.allowance.set(_ABOVE_ALL_SEEN * max(self._refusals))
