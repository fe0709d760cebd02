"""An account's limits, kept as StepFun keeps them: by concurrency and by a sliding minute."""

import math
from collections import deque
from dataclasses import dataclass

from stepeval.core.errors import UsageError
from stepeval.simulator.refusal import Refusal

_NS = 1_000_000_000


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

    def __post_init__(self) -> None:
        for name in ("concurrency", "requests_per_minute", "tokens_per_minute"):
            value: int | None = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"the simulator's {name} must be at least 1, not {value}")
        if not self.window_s > 0:
            raise UsageError(f"the simulator's window_s must be above 0, not {self.window_s}")


class Account:
    """Sliding logs of what was admitted. A refused request is counted nowhere."""

    def __init__(self, limits: AccountLimits) -> None:
        self._limits = limits
        self._running = 0
        self._requests: deque[int] = deque()
        self._tokens: deque[tuple[int, int]] = deque()
        self._token_sum = 0

    def admit(self, now_ns: int, prompt_tokens: int) -> Refusal | None:
        """None lets the request in; :meth:`finish` must follow then."""
        limits = self._limits
        self._forget(now_ns)
        if limits.concurrency is not None and self._running >= limits.concurrency:
            return self._refusal("concurrency", limits.concurrency, 1)
        asked = limits.requests_per_minute
        if asked is not None and len(self._requests) >= asked:
            return self._refusal(
                "requests per minute", asked, self._wait_s(self._requests[0], now_ns)
            )
        budget = limits.tokens_per_minute
        if budget is not None and self._token_sum + prompt_tokens > budget and self._tokens:
            return self._refusal(
                "tokens per minute", budget, self._wait_s(self._tokens[0][0], now_ns)
            )
        self._running += 1
        if asked is not None:
            self._requests.append(now_ns)
        self._charge(now_ns, prompt_tokens)
        return None

    def finish(self, now_ns: int, completion_tokens: int) -> None:
        self._running -= 1
        self._charge(now_ns, completion_tokens)

    def _charge(self, now_ns: int, tokens: int) -> None:
        if self._limits.tokens_per_minute is not None:
            self._tokens.append((now_ns, tokens))
            self._token_sum += tokens

    def _forget(self, now_ns: int) -> None:
        horizon = now_ns - self._window_ns
        while self._requests and self._requests[0] <= horizon:
            self._requests.popleft()
        while self._tokens and self._tokens[0][0] <= horizon:
            self._token_sum -= self._tokens.popleft()[1]

    @property
    def _window_ns(self) -> int:
        return round(self._limits.window_s * _NS)

    def _wait_s(self, oldest_ns: int, now_ns: int) -> int:
        return max(1, math.ceil((oldest_ns + self._window_ns - now_ns) / _NS))

    def _refusal(self, what: str, limit: int, wait_s: int) -> Refusal:
        message = f"rate limit reached: at most {limit} {what}"
        return Refusal(429, message, "rate_limited", wait_s if self._limits.tell_when else None)
