"""How the reasoning tiers differ: in skill, in length of thought, in the first token's wait."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_EFFORT = "medium"


@dataclass(frozen=True, slots=True)
class Effort:
    """``skill`` is the difficulty at which half the answers are right; ``tokens`` of reasoning
    are the median for an item of middling difficulty.
    """

    skill: float
    tokens: int
    ttft_factor: float

    def chance(self, difficulty: float) -> float:
        """Logistic in skill minus difficulty: ``1 / (1 + exp(-7 (skill - difficulty)))``."""
        return 1 / (1 + math.exp(-_STEEPNESS * (self.skill - difficulty)))

    def thinking_tokens(self, difficulty: float, rng: random.Random) -> int:
        """Log-normal around ``tokens``, from 0.6 times for the easiest to 1.4 for the hardest."""
        stretch = 0.6 + 0.8 * difficulty
        return max(1, round(self.tokens * stretch * rng.lognormvariate(0.0, _SPREAD)))


_STEEPNESS = 7.0
_SPREAD = 0.3

EFFORTS: Mapping[str, Effort] = {
    "low": Effort(skill=0.50, tokens=40, ttft_factor=0.8),
    "medium": Effort(skill=0.72, tokens=160, ttft_factor=1.0),
    "high": Effort(skill=0.92, tokens=500, ttft_factor=1.25),
}
