"""How much of one thing is allowed: known, or learned from refusals. Pure: no clock of its own."""

import math
from collections import deque

_CUT = 0.9
_FIRST_STEP, _STEP_GROWTH, _LARGEST_STEP = 0.03, 2.5, 0.5


class Allowance:
    """``level`` is what may be used: infinite while nothing is known, and never above ``most``.

    A refusal cuts it once. It then holds for ``hold_s``, twice as long where it had only tried
    for more, and grows from there in steps that widen, each of which has to be used for
    ``proof_s`` without a refusal before it is believed.
    """

    def __init__(self, level: float, most: float, *, proof_s: float, hold_s: float) -> None:
        self.level = min(level, most)
        self.most = most
        self.proof_s = proof_s
        self._shortest_hold_s = self._hold_s = hold_s
        self._still_until = -math.inf
        self._step = _FIRST_STEP
        self._steps: deque[tuple[float, float]] = deque([(-math.inf, self.level)])

    def cut(self, used: float, now: float) -> None:
        """``used`` others had been admitted when one more was refused."""
        proven = self._proven(now)
        if proven < self.level < math.inf:  # it had grown, and that was too much
            level = max(proven, _CUT * min(used, self.level))
            self._hold_s = min(2 * self._hold_s, 2 * self._shortest_hold_s)
        else:
            level = min(used, _CUT * self.level)
            self._hold_s = self._shortest_hold_s
        self.level = min(max(level, 1.0), self.most)
        self._steps = deque([(-math.inf, self.level)])
        self._step = _FIRST_STEP
        self.pause(now, self._hold_s)

    def pause(self, now: float, seconds: float) -> None:
        """No growth for so long."""
        self._still_until = max(self._still_until, now + seconds)

    def grow(self, now: float) -> bool:
        """Call it while the level is used to the full. Whether it grew."""
        waited = now - self._steps[-1][0]
        if self.level >= self.most or now < self._still_until or waited < self.proof_s / 2:
            return False
        grown = min(self.most, max(self.level + 1, self.level * (1 + self._step)))
        if grown == self.level:
            return False
        self.level = grown
        self._steps.append((now, grown))
        self._step = min(self._step * _STEP_GROWTH, _LARGEST_STEP)
        return True

    def open(self, now: float) -> None:
        """One more, at once: what a slow start does at each answer."""
        if now >= self._still_until and self.level < self.most:
            self.level += 1
            self._steps[-1] = (self._steps[-1][0], self.level)

    def _proven(self, now: float) -> float:
        """The level in force ``proof_s`` ago, or since the cut where that is later."""
        while len(self._steps) > 1 and self._steps[1][0] <= now - self.proof_s:
            self._steps.popleft()
        return self._steps[0][1]
