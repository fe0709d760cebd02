"""Numbers of tokens: one for all requests, or drawn for each."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, log

from stepeval.core.errors import UsageError, did_you_mean

MOST_TOKENS = 1_000_000

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_EXAMPLES = "write 512, normal:512:64, uniform:256:768 or lognormal:512:0.3"


@dataclass(frozen=True, slots=True)
class Lengths:
    """``kind`` with its two numbers: mean and standard deviation (normal), least and most
    (uniform), median and the standard deviation of the logarithm (lognormal), or one twice
    (fixed).
    """

    kind: str
    first: float
    second: float

    def draw(self, rng: random.Random) -> int:
        """A whole number from 1 on."""
        return min(max(round(_DRAWS[self.kind](self, rng)), 1), MOST_TOKENS)


_DRAWS: Mapping[str, Callable[[Lengths, random.Random], float]] = {
    "fixed": lambda lengths, _: lengths.first,
    "normal": lambda lengths, rng: rng.gauss(lengths.first, lengths.second),
    "uniform": lambda lengths, rng: rng.uniform(lengths.first - 0.5, lengths.second + 0.5),
    "lognormal": lambda lengths, rng: exp(rng.gauss(log(lengths.first), lengths.second)),
}


def parse_lengths(text: str, option: str) -> Lengths:
    """``512``, ``normal:512:64``, ``uniform:256:768``, ``lognormal:512:0.3``.

    Raises:
        UsageError: It is none of these; the sentence names ``option``.
    """
    kind, *numbers = ["fixed", text, text] if ":" not in text else text.split(":")
    if kind not in _DRAWS:
        raise UsageError(f"{option} {text}: unknown kind {kind!r}{did_you_mean(kind, _DRAWS)}")
    if len(numbers) != 2 or not all(_NUMBER.fullmatch(number) for number in numbers):  # noqa: PLR2004 -- what each kind has
        raise UsageError(f"{option} {text}: {_EXAMPLES}")
    lengths = Lengths(kind, float(numbers[0]), float(numbers[1]))
    largest = max(lengths.first, lengths.second)
    if lengths.first < 1 or largest > MOST_TOKENS:
        raise UsageError(f"{option} {text}: lengths are 1 to {MOST_TOKENS:,} tokens")
    if kind == "uniform" and lengths.first > lengths.second:
        raise UsageError(f"{option} {text}: the least comes first, then the most")
    return lengths
