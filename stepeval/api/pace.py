"""How long a run takes that keeps within its limits, known or learned. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stepeval.api.estimates import Range
from stepeval.api.limits import most_at_once
from stepeval.api.plan import ArmPlan
from stepeval.core.task import Suite
from stepeval.execution.limits import FIRST_CONCURRENCY, Kind

_MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Pace:
    """``first`` requests are in flight at the start, one more with each answer, ``most`` in the
    end. The limits are of one minute; None: none is known.
    """

    first: float
    most: float
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None

    def seconds(self, requests: int, tokens: float, busy_s: float) -> float:
        """``busy_s``: what the requests take one after the other, ``tokens`` what all of them use.

        Whichever is the last to let them through.
        """
        return max(
            self._in_flight(requests, busy_s),
            _waiting(requests, self.requests_per_minute),
            _waiting(tokens, self.tokens_per_minute),
        )

    def _in_flight(self, requests: int, busy_s: float) -> float:
        if not requests:
            return 0.0
        each_s, left, level, took_s = busy_s / requests, float(requests), self.first, 0.0
        while level < self.most and left > level:
            took_s, left, level = took_s + each_s, left - level, min(2 * level, self.most)
        return took_s + each_s * max(1.0, left / level)


def _waiting(amount: float, a_minute: float | None) -> float:
    """The first minute's allowance may be used at once."""
    return 0.0 if a_minute is None else max(0.0, amount / a_minute - 1) * _MINUTE_S


def paces(suite: Suite, learned: Mapping[str, Mapping[str, float]]) -> Mapping[str, Pace]:
    """By provider. ``learned``: by provider and kind, what stored runs found to be the limit."""
    return {p.name: _pace(suite, learned.get(p.name, {})) for p in suite.providers}


def _pace(suite: Suite, learned: Mapping[str, float]) -> Pace:
    limits, most = suite.limits, float(most_at_once(suite.limits))
    return Pace(
        min(FIRST_CONCURRENCY, most) if limits.learned else most,
        max(1.0, min(most, learned.get(Kind.CONCURRENCY, most))),
        _lower(limits.requests_per_minute, learned.get(Kind.REQUESTS)),
        _lower(limits.tokens_per_minute, learned.get(Kind.TOKENS)),
    )


def _lower(known: float | None, learned: float | None) -> float | None:
    levels = [level for level in (known, learned) if level is not None]
    return min(levels, default=None)


def duration(suite: Suite, arms: tuple[ArmPlan, ...], by_provider: Mapping[str, Pace]) -> Range:
    """Seconds. ``arms`` are the suite's, in its order."""
    providers = {arm.name: arm.provider for arm in suite.arms}
    used = tuple(dict.fromkeys(providers.values()))

    def end(of: Callable[[Range], float]) -> float:
        slowest_s, all_s = 0.0, 0.0
        for name in used:
            own = [arm for arm in arms if providers[arm.name] == name]
            tokens = sum(of(arm.input_tokens) + of(arm.output_tokens) for arm in own)
            busy_s = sum(of(arm.seconds) for arm in own)
            requests = sum(arm.requests for arm in own)
            slowest_s = max(slowest_s, by_provider[name].seconds(requests, tokens, busy_s))
            all_s += busy_s
        return max(slowest_s, all_s / most_at_once(suite.limits))

    return Range(end(lambda r: r.low), end(lambda r: r.likely), end(lambda r: r.high))
