"""Three ways in which services count what a minute may hold. Pure: the time is handed in."""

from collections import deque
from enum import StrEnum
from typing import Protocol

_NS = 1_000_000_000


class Counting(StrEnum):
    SLIDING = "sliding"  # whatever was charged within the last minute
    FIXED = "fixed"  # whatever was charged since the last full minute of the clock
    BUCKET = "bucket"  # a bucket that holds one minute's worth, starts full, and fills evenly


class Quota(Protocol):
    """``limit`` comes with each call, for it may change."""

    def wait_ns(self, now_ns: int, amount: int, limit: int) -> int:
        """0 where ``amount`` has room; else the wait, at the least, until something has."""

    def charge(self, now_ns: int, amount: int, limit: int) -> None: ...


def quota(counting: Counting, window_s: float) -> Quota:
    window_ns = round(window_s * _NS)
    match counting:
        case Counting.SLIDING:
            return _Sliding(window_ns)
        case Counting.FIXED:
            return _Fixed(window_ns)
        case Counting.BUCKET:
            return _Bucket(window_ns)


class _Sliding:
    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._log: deque[tuple[int, int]] = deque()
        self._sum = 0

    def wait_ns(self, now_ns: int, amount: int, limit: int) -> int:
        """An amount larger than the limit has room where nothing else is."""
        while self._log and self._log[0][0] <= now_ns - self._window_ns:
            self._sum -= self._log.popleft()[1]
        if not self._log or self._sum + amount <= limit:
            return 0
        return self._log[0][0] + self._window_ns - now_ns

    def charge(self, now_ns: int, amount: int, limit: int) -> None:  # noqa: ARG002 -- the protocol's
        self._log.append((now_ns, amount))
        self._sum += amount


class _Fixed:
    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._number = 0
        self._sum = 0

    def wait_ns(self, now_ns: int, amount: int, limit: int) -> int:
        number, passed = divmod(now_ns, self._window_ns)
        if number != self._number:
            self._number, self._sum = number, 0
        if not self._sum or self._sum + amount <= limit:
            return 0
        return self._window_ns - passed

    def charge(self, now_ns: int, amount: int, limit: int) -> None:
        self.wait_ns(now_ns, amount, limit)  # turns to a new window where one has begun
        self._sum += amount


class _Bucket:
    """``_debt``: what is missing for it to be full."""

    def __init__(self, window_ns: int) -> None:
        self._window_ns = window_ns
        self._debt = 0.0
        self._at_ns = 0

    def wait_ns(self, now_ns: int, amount: int, limit: int) -> int:
        filled = (now_ns - self._at_ns) * limit / self._window_ns
        self._debt = max(0.0, self._debt - filled)
        self._at_ns = now_ns
        missing = min(self._debt, self._debt + amount - limit)
        return 0 if missing <= 0 else round(missing * self._window_ns / limit)

    def charge(self, now_ns: int, amount: int, limit: int) -> None:
        self.wait_ns(now_ns, amount, limit)  # fills it up to now
        self._debt += amount
