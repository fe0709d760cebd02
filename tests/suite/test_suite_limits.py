"""Whose word counts for a run's limits."""

import pytest

from stepeval.core.errors import UnknownName
from stepeval.core.models import account_tiers
from stepeval.core.task import Limits
from stepeval.suite.limits import read_limits
from stepeval.suite.schema import LimitsEntry


def read(entry: LimitsEntry, tier: str | None = None, concurrency: int | None = None) -> Limits:
    return read_limits(entry, tier=tier, concurrency=concurrency, max_cells=None)


def test_nothing_said_is_learned() -> None:
    assert read(LimitsEntry()).learned
    assert read(LimitsEntry()).requests_per_minute is None


def test_the_suite_says_what_it_wants() -> None:
    found = read(LimitsEntry(concurrency=3, requests_per_minute=50, tokens_per_minute=9_000))
    assert found == Limits(3, requests_per_minute=50, tokens_per_minute=9_000)


def test_a_tier_wins_over_the_suite_and_a_number_over_both() -> None:
    entry, tier = LimitsEntry(concurrency=3, requests_per_minute=50), account_tiers()["V1"]
    rates = (tier["requests_per_minute"], tier["tokens_per_minute"])
    for given, most in ((None, tier["concurrency"]), (7, 7)):
        found = read(entry, "V1", given)
        assert (found.concurrency, found.requests_per_minute, found.tokens_per_minute) == (
            most,
            *rates,
        )
        assert not found.learned


def test_a_tier_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownName, match="V9"):
        read(LimitsEntry(), "V9")
