"""How much of one thing is allowed: known, or learned from refusals. Pure: no clock of its own."""

import math
from collections import deque

_CUT_OF_KNOWN, _CUT_OF_USED, _CUT_OF_AGREED = 0.95, 0.97, 0.99
_AGREE = 0.01  # of two refusals about how much is too much
_NEAR = 0.94
_FALLEN, _STEP_BACK = 0.95, 0.15  # what was lost may come back: the way there is known
_FIRST_STEP, _STEP_GROWTH, _LARGEST_STEP = 0.03, 3.0, 0.2
_STEPS_A_PROOF = 4


class Allowance:
    """``level`` is what may be used: infinite while nothing is known, and never above ``most``.

    A refusal cuts it once. It then holds for a time, twice as long where it had only tried for
    more, and grows from there in steps that widen, each of which has to be used for ``proof_s``
    without a refusal before it is believed.
    """

    def __init__(self, level: float, most: float, *, proof_s: float, exact: bool = False) -> None:
        """``exact``: what is used is counted, not estimated."""
        self.level = min(level, most)
        self.most = most
        self._exact = exact
        self._proof_s = proof_s
        self._still_until = -math.inf
        self._step = _FIRST_STEP
        self._patience = 1
        self._refused_at = 0.0
        self._former = 0.0  # the most that had held before a cut
        self._steps: deque[tuple[float, float]] = deque([(-math.inf, self.level)])

    def cut(self, used: float, now: float, *, factor: float, hold_s: float) -> None:
        """``used`` others had been admitted when one more was refused. ``factor`` is for a level
        that had held until then.
        """
        proven = self.proven(now)
        if proven < self.level and used >= _NEAR * proven:  # it had grown, and that was too much
            agree = self._exact and abs(used - self._refused_at) <= _AGREE * used
            share = _CUT_OF_AGREED if agree else _CUT_OF_USED
            level = max(proven, share * min(used, self.level))
            self._patience = 2
        else:
            factor = max(factor, _CUT_OF_KNOWN) if self.level == self.most else factor
            level = min(used, factor * self.level)
            self._former = max(self._former, proven) if proven < math.inf else 0.0
            self._patience = 1
        self._refused_at = used
        self.set(level)
        self.pause(now, self._patience * hold_s)

    def set(self, level: float) -> None:
        """As if it had always been so."""
        self.level = min(max(math.floor(level), 1.0), self.most)
        self._steps = deque([(-math.inf, self.level)])
        self._step = _FIRST_STEP

    def bound(self, most: float) -> None:
        """It turns out that there is never more than ``most``."""
        self.most = min(self.most, max(most, 1.0))
        if self.level > self.most:
            self.set(self.most)

    def pause(self, now: float, seconds: float) -> None:
        """No growth for so long."""
        self._still_until = max(self._still_until, now + seconds)

    def grow(self, now: float) -> bool:
        """Call it while the level is used to the full. Whether it grew."""
        waited = now - self._steps[-1][0]
        if (
            self.level >= self.most
            or now < self._still_until
            or waited < self._proof_s / _STEPS_A_PROOF
        ):
            return False
        step = max(self._step, _STEP_BACK) if self.level < _FALLEN * self._former else self._step
        grown = min(self.most, max(self.level + 1, round(self.level * (1 + step))))
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

    def proven(self, now: float) -> float:
        """The level in force ``proof_s`` ago, or since the cut where that is later."""
        while len(self._steps) > 1 and self._steps[1][0] <= now - self._proof_s:
            self._steps.popleft()
        return self._steps[0][1]
