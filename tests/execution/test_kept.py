"""A resumed run knows what its earlier sessions learned; a stranger's file teaches it nothing."""

import math

import pytest

from stepeval.core.limits import LimitChange
from stepeval.execution.kept import Kept, last_in_force
from stepeval.execution.limits import Kind, Known, Limiter


def change(kind: str, level: float, why: str = "grown", provider: str = "p") -> LimitChange:
    return LimitChange(0.0, provider, kind, level, 1.0, why)


def test_the_last_level_of_each_limit_counts_and_only_this_accounts() -> None:
    changes = [
        change("concurrency", 4, "known"),
        change("concurrency", 9, "refused"),
        change("requests_per_minute", 400, "refused"),
        change("concurrency", 12),
        change("concurrency", 50, provider="q"),
    ]
    kept = Kept({Kind.CONCURRENCY: 12, Kind.REQUESTS: 400}, crowded=True)
    assert last_in_force(changes, "p") == kept
    assert last_in_force(changes, "nobody") is None


@pytest.mark.parametrize("level", [math.nan, math.inf, -math.inf, -3.0, 0.0])
def test_what_can_be_no_limit_is_passed_over(level: float) -> None:
    assert last_in_force([change("concurrency", level)], "p") is None
    assert last_in_force([change("odd", 4)], "p") == Kept({}, crowded=False)


def test_a_limiter_starts_from_it_and_never_above_what_is_known() -> None:
    limiter = Limiter(Known(8, 100), 0.0)
    limiter.keep({Kind.CONCURRENCY: 40, Kind.REQUESTS: 70, Kind.TOKENS: 5e5}, 0.0, crowded=True)
    assert [limiter.level(kind) for kind in Kind] == [8, 70, 5e5]


def test_a_slow_start_that_met_no_refusal_goes_on() -> None:
    calm, crowded = Limiter(Known(), 0.0), Limiter(Known(), 0.0)
    calm.keep({Kind.CONCURRENCY: 10}, 0.0, crowded=False)
    crowded.keep({Kind.CONCURRENCY: 10}, 0.0, crowded=True)
    for limiter in (calm, crowded):
        tickets = [limiter.sent(0.0, 1) for _ in range(10)]
        limiter.answered(tickets[0], 1.0, 1)
    assert calm.level(Kind.CONCURRENCY) == 11
    assert crowded.level(Kind.CONCURRENCY) == 10
