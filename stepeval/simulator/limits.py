"""An account's limits: how many requests at once, and what a minute may hold of them."""

import math
from dataclasses import dataclass
from enum import StrEnum

from stepeval.core.errors import UsageError
from stepeval.simulator.quota import Counting, Quota, quota
from stepeval.simulator.refusal import Refusal

_NS = 1_000_000_000


class Charge(StrEnum):
    """When a request's tokens are counted."""

    PARTS = "parts"  # the prompt's when it is admitted, the answer's when that has ended
    ADMISSION = "admission"  # both at once, as if the answer's length were known
    COMPLETION = "completion"  # both at the end: until then any number fits


@dataclass(frozen=True, slots=True)
class Dip:
    """From ``begin_s`` to ``end_s`` after the first request, limits are ``factor`` of theirs."""

    begin_s: float
    end_s: float
    factor: float = 0.5


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """None: no limit. ``window_s`` is the "minute" that requests and tokens are counted in.

    ``tell_when``: a refusal carries Retry-After.

    Raises:
        UsageError: A limit below 1, or a window that is not above 0.
    """

    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    tell_when: bool = False
    window_s: float = 60.0
    counting: Counting = Counting.SLIDING
    charge: Charge = Charge.PARTS
    dip: Dip | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "requests_per_minute", "tokens_per_minute"):
            value: int | None = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"the simulator's {name} must be at least 1, not {value}")
        if not self.window_s > 0:
            raise UsageError(f"the simulator's window_s must be above 0, not {self.window_s}")


class Account:
    """What was admitted so far. A refused request is counted nowhere."""

    def __init__(self, limits: AccountLimits) -> None:
        self._limits = limits
        self._running = 0
        self._first_ns: int | None = None
        self._requests: Quota = quota(limits.counting, limits.window_s)
        self._tokens: Quota = quota(limits.counting, limits.window_s)

    @property
    def foresees(self) -> bool:
        """Whether :meth:`admit` is to be told how long the answer will be."""
        return (
            self._limits.tokens_per_minute is not None and self._limits.charge is Charge.ADMISSION
        )

    def admit(self, now_ns: int, prompt_tokens: int, answer_tokens: int = 0) -> Refusal | None:
        """None lets the request in; :meth:`finish` must follow then, with the same tokens."""
        limits = self._limits
        if self._first_ns is None:
            self._first_ns = now_ns
        places = self._now(limits.concurrency, now_ns)
        if places is not None and self._running >= places:
            return self._refusal("concurrency", places, 1)
        asked = self._now(limits.requests_per_minute, now_ns)
        if asked is not None and (wait := self._requests.wait_ns(now_ns, 1, asked)):
            return self._refusal("requests per minute", asked, wait / _NS)
        budget = self._now(limits.tokens_per_minute, now_ns)
        at_once = self._at_once(prompt_tokens, answer_tokens)
        if budget is not None and (wait := self._tokens.wait_ns(now_ns, max(at_once, 1), budget)):
            return self._refusal("tokens per minute", budget, wait / _NS)
        self._running += 1
        if asked is not None:
            self._requests.charge(now_ns, 1, asked)
        self._charge(now_ns, at_once)
        return None

    def finish(self, now_ns: int, answer_tokens: int, prompt_tokens: int = 0) -> None:
        self._running -= 1
        if self._limits.charge is Charge.COMPLETION:
            self._charge(now_ns, prompt_tokens + answer_tokens)
        elif self._limits.charge is Charge.PARTS:
            self._charge(now_ns, answer_tokens)

    def _at_once(self, prompt_tokens: int, answer_tokens: int) -> int:
        """The tokens that are charged when the request is admitted."""
        match self._limits.charge:
            case Charge.PARTS:
                return prompt_tokens
            case Charge.ADMISSION:
                return prompt_tokens + answer_tokens
            case Charge.COMPLETION:
                return 0

    def _charge(self, now_ns: int, tokens: int) -> None:
        budget = self._now(self._limits.tokens_per_minute, now_ns)
        if budget is not None and tokens:
            self._tokens.charge(now_ns, tokens, budget)

    def _now(self, limit: int | None, now_ns: int) -> int | None:
        dip = self._limits.dip
        if limit is None or dip is None or self._first_ns is None:
            return limit
        inside = dip.begin_s <= (now_ns - self._first_ns) / _NS < dip.end_s
        return max(1, round(limit * dip.factor)) if inside else limit

    def _refusal(self, what: str, limit: int, wait_s: float) -> Refusal:
        message = f"rate limit reached: at most {limit} {what}"
        told = max(1, math.ceil(wait_s)) if self._limits.tell_when else None
        return Refusal(429, message, "rate_limited", told)
