"""What was used within the last minute. Pure: the time is handed in."""

from collections import deque


class Use:
    """One entry of a :class:`Trailing`; its amount may be corrected later."""

    __slots__ = ("amount", "at")

    def __init__(self, at: float, amount: float) -> None:
        self.at = at
        self.amount = amount


class Trailing:
    """A sum over a sliding window of ``window_s`` seconds. Times must not fall."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._uses: deque[Use] = deque()
        self._sum = 0.0

    def add(self, at: float, amount: float) -> Use:
        use = Use(at, amount)
        self._uses.append(use)
        self._sum += amount
        return use

    def correct(self, use: Use, amount: float) -> None:
        """Of an entry that has left the window, nothing counts any more."""
        if self._uses and use.at >= self._uses[0].at:
            self._sum += amount - use.amount
        use.amount = amount

    def total(self, now: float) -> float:
        uses = self._uses
        while uses and uses[0].at <= now - self._window_s:
            self._sum -= uses.popleft().amount
        if not uses:
            self._sum = 0.0  # no rounding error outlives its window
        return self._sum

    def room_at(self, now: float, amount: float, limit: float) -> float:
        """The first moment from ``now`` on at which the sum leaves room for ``amount``.

        An amount larger than the limit has room where there is nothing else.
        """
        excess = self.total(now) + amount - limit
        if excess <= 0:
            return now
        for use in self._uses:
            excess -= use.amount
            if excess <= 0:
                return use.at + self._window_s
        return self._uses[-1].at + self._window_s if self._uses else now
