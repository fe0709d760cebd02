"""A gate's way from the first request to its verdict, as a list of what to ask next.

It makes no request. ``run --gate --early-stop`` asks what :attr:`Course.batch` wants and tells the
scores; a run that was killed tells again what it had and stands where it stood.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stepeval.analysis.canary import Canary, canary
from stepeval.analysis.design import Design, Rules, design
from stepeval.analysis.gate import Verdict
from stepeval.analysis.looks import Decision, Look, Stage
from stepeval.analysis.past import Floats, Past
from stepeval.analysis.sequential import look

_ENDS = {
    Decision.SAFE: Verdict.SAFE,
    Decision.REGRESSED: Verdict.REGRESSED,
    Decision.INCONCLUSIVE: Verdict.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of the baseline to ask with the new prompt and with the baseline's own, interleaved.

    In the first stage ``old`` is the canary, one epoch each; in the fresh one it equals ``new``.
    """

    stage: Stage
    new: tuple[int, ...]
    old: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``looks`` in their order; the last one ended it."""

    verdict: Verdict
    looks: tuple[Look, ...]
    canary: Canary | None

    @property
    def confirmed(self) -> bool:
        """Fresh answers of both prompts were asked for."""
        return self.looks[-1].stage is Stage.FRESH


class Course:
    """``batch`` is None once there is an ``outcome``. Same past, rules and scores: same course."""

    def __init__(self, past: Past, rules: Rules) -> None:
        self.past = past
        self.rules = rules
        self.design: Design = design(past, rules)
        self.looks: list[Look] = []
        self.canary: Canary | None = None
        self.outcome: Outcome | None = None
        self._number = 0
        self._new: Floats = np.zeros(0)
        self._old: Floats = np.zeros(0)

    @property
    def has_drifted(self) -> bool:
        return self.canary is not None and self.canary.has_drifted

    @property
    def batch(self) -> Batch | None:
        if self.outcome is not None:
            return None
        here = self.design
        new = here.order.places[len(self._new) : here.looks[self._number]]
        if here.stage is Stage.FRESH:
            return Batch(here.stage, new, new)
        is_first = self._number == 0
        return Batch(here.stage, new, new[: self.rules.canary] if is_first else ())

    def tell(self, new: ArrayLike, old: ArrayLike = ()) -> None:
        """The mean scores of ``batch.new`` and ``batch.old``, in their order; NaN: there is none.

        Raises ValueError: they are not as many.
        """
        asked = self.batch
        if asked is None:
            raise ValueError("there is a verdict: nothing more is asked")
        fresh, again = np.asarray(new, dtype=np.float64), np.asarray(old, dtype=np.float64)
        if fresh.shape != (len(asked.new),) or again.shape != (len(asked.old),):
            raise ValueError(f"{len(asked.new)} and {len(asked.old)} scores were asked for")
        self._new = np.concatenate([self._new, fresh])
        if asked.stage is Stage.FRESH:
            self._old = np.concatenate([self._old, again])
        elif asked.old:
            self.canary = canary(self.past, asked.old, again)
            if self.has_drifted:
                self._start_fresh()
                return
        self._look()

    def _look(self) -> None:
        found = look(self.past, self.design, self._number, self._new, self._old)
        self.looks.append(found)
        self._number += 1
        if found.decision is Decision.CONFIRM:
            self._start_fresh()
        elif found.decision is not Decision.GO_ON:
            self.outcome = Outcome(self._verdict(found), tuple(self.looks), self.canary)

    def _verdict(self, last: Look) -> Verdict:
        """A drop was shown before and fresh answers call it safe: the two together say neither.

        Where the baseline had drifted, nothing but the fresh answers was looked at.
        """
        if last.decision is Decision.SAFE and last.stage is Stage.FRESH and not self.has_drifted:
            return Verdict.INCONCLUSIVE
        return _ENDS[last.decision]

    def _start_fresh(self) -> None:
        self.design = design(self.past, self.rules, Stage.FRESH)
        self._number = 0
        self._new, self._old = np.zeros(0), np.zeros(0)
