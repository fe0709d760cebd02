"""What requests use of a budget."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Outlay:
    """``tokens`` are of prompts and answers together; ``cost`` is in the budget's currency."""

    requests: int = 0
    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Self) -> "Outlay":
        return Outlay(
            self.requests + other.requests, self.tokens + other.tokens, self.cost + other.cost
        )

    def __sub__(self, other: Self) -> "Outlay":
        return Outlay(
            self.requests - other.requests, self.tokens - other.tokens, self.cost - other.cost
        )


@dataclass(frozen=True, slots=True)
class Used:
    """What ``requests`` of one arm have used, or may use: tokens, those of the prompts that came
    from the server's cache among them.

    ``answers`` of them said something, the ``longest`` so many tokens.
    """

    requests: int = 0
    input: int = 0
    output: int = 0
    cached: int = 0
    answers: int = 0
    longest: int = 0
