"""Schedules have the rate they were asked for, rise, and are the same for the same seed."""

import math
import random
from collections.abc import Iterator
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.execution.pacing import constant, gamma, poisson, ramp, replay

RATES = st.floats(0.01, 10_000)
SEEDS = st.integers(0, 2**32)
N = 2_000


def gaps_s(offsets: Iterator[int], count: int = N) -> list[float]:
    return [(after - before) / 1e9 for before, after in pairwise(islice(offsets, count + 1))]


@settings(deadline=None)
@given(RATES)
def test_constant_arrivals_never_drift(rate: float) -> None:
    for number, offset in islice(enumerate(constant(rate)), 0, 5_000, 499):
        assert abs(offset - number * 1e9 / rate) <= 0.5


@settings(max_examples=25, deadline=None)
@given(RATES, SEEDS)
def test_poisson_arrivals_have_their_rate_and_the_spread_of_an_exponential(
    rate: float, seed: int
) -> None:
    gaps = gaps_s(poisson(rate, random.Random(seed)))
    mean = sum(gaps) / N
    spread = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / N)
    assert abs(mean * rate - 1) < 6 / math.sqrt(N)
    assert abs(spread * rate - 1) < 0.3
    assert min(gaps) >= 0


@settings(max_examples=25, deadline=None)
@given(RATES, st.sampled_from([0.25, 1.0, 4.0]), SEEDS)
def test_gamma_arrivals_have_their_rate_and_burstiness(
    rate: float, burstiness: float, seed: int
) -> None:
    gaps = gaps_s(gamma(rate, burstiness, random.Random(seed)))
    mean = sum(gaps) / N
    variation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / N) / mean
    wanted = 1 / math.sqrt(burstiness)
    assert abs(mean * rate - 1) < 6 * wanted / math.sqrt(N)
    assert abs(variation / wanted - 1) < 0.35


@settings(deadline=None)
@given(SEEDS)
def test_a_seed_is_a_schedule(seed: int) -> None:
    first, again, other = (
        list(islice(poisson(5, random.Random(each)), 50)) for each in (seed, seed, seed + 1)
    )
    assert first == again != other


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 500), st.floats(0.1, 500), st.floats(0.5, 100))
def test_a_ramp_has_sent_what_its_rate_adds_up_to(start: float, stop: float, over: float) -> None:
    offsets = list(islice(ramp(start, stop, over), 500))
    assert offsets == sorted(offsets)
    for number, offset in enumerate(offsets):
        t = offset / 1e9
        rising = min(t, over)
        due = start * rising + (stop - start) * rising**2 / (2 * over) + stop * (t - rising)
        assert due == pytest.approx(number, abs=1e-3 + number * 1e-6)


def test_a_replay_is_the_recording_at_another_speed_and_ends_with_it() -> None:
    assert list(replay((0, 10, 40), 2.0)) == [0, 5, 20]
