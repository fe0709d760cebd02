"""When a benchmark's numbers are the client's own limit, and not the server's."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from load_runs import MS, PLAN, LoadRun, S, answered, made_load_run, phase, stream

from stepeval.analysis.load import load_of
from stepeval.analysis.load_certificate import client_limits, holds
from stepeval.analysis.load_figures import spread
from stepeval.analysis.load_values import Certificate
from stepeval.core.load import Ceiling, Health, LoadPlan, Shape
from stepeval.core.record import Record

AT_EASE = Certificate(
    load=20.0,
    loop_lag=spread([0.2] * 1000),
    lag=spread([0.5] * 1000),
    start_lag=spread([0.2] * 1000),
    asked_rate=20.0,
    due_rate=20.0,
    sent_rate=20.0,
    cpu_share=0.3,
    workers=1,
    coalesced_share=0.0,
    stamps={"kernel": 1},
    gap_p50=15.0,
    transports=("socket",),
    chunks_per_s=400.0,
    of_ceiling=0.1,
    concurrency=10.0,
    peak=20,
    holds="p99",
)


def limits(plan: LoadPlan = PLAN, window_s: float = 10.0, **other: Any) -> tuple[str, ...]:
    return tuple(client_limits(replace(AT_EASE, **other), plan, window_s=window_s))


def test_a_client_at_ease_is_not_stamped() -> None:
    assert limits() == ()


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"loop_lag": spread([0.1] * 980 + [12.0] * 20)}, "woke 12.0 ms late at p99"),
        ({"loop_lag": spread([8.0] * 1000), "gap_p50": 5.0}, "and chunks came every 5.0 ms"),
        ({"start_lag": spread([0.1] * 90 + [9.0] * 10)}, "taken up 9.0 ms late at p95"),
        ({"sent_rate": 18.0}, "only 18 of 20 requests/s due were sent in time"),
        ({"due_rate": 14.0, "sent_rate": 14.0}, "only 14 of 20 requests/s were scheduled"),
        ({"cpu_share": 0.95}, "95% busy"),
        ({"of_ceiling": 0.85}, "85% of this machine's measured ceiling"),
    ],
)
def test_each_limit_is_named_with_its_number(other: dict[str, Any], reason: str) -> None:
    (found,) = limits(**other)
    assert reason in found


@pytest.mark.parametrize(
    "other",
    [
        {"loop_lag": spread([0.1] * 995 + [40.0] * 5)},  # one pause is no p99
        {"loop_lag": spread([0.9] * 1000), "gap_p50": 0.2},  # bends no gap by a millisecond
        {"lag": spread([60.0] * 1000)},  # a connection had to be opened: the server's part of it
        {"due_rate": 17.0, "sent_rate": 17.0},  # by chance: 170 of 200 due, 2 standard deviations
        {"sent_rate": 19.8},
        {"cpu_share": None, "of_ceiling": None, "gap_p50": None},
    ],
)
def test_what_is_within_chance_or_not_known_is_no_limit(other: dict[str, Any]) -> None:
    assert limits(**other) == ()


def test_a_constant_rate_has_no_chance_to_miss() -> None:
    steady = replace(PLAN, shape=Shape.CONSTANT)
    assert limits(steady, due_rate=17.0, sent_rate=17.0)
    bursts = replace(PLAN, shape=Shape.GAMMA, burstiness=0.25)
    assert not limits(bursts, due_rate=14.0, sent_rate=14.0)


def test_a_closed_loop_waits_for_answers_so_its_lag_is_no_limit() -> None:
    closed = replace(PLAN, shape=Shape.CLOSED)
    assert limits(closed, start_lag=spread([50.0] * 1000), sent_rate=1.0, asked_rate=None) == ()


@pytest.mark.parametrize(
    ("n", "name"), [(0, None), (1, "p50"), (44, "p90"), (90, "p95"), (459, "p99")]
)
def test_which_percentile_n_holds(n: int, name: str | None) -> None:
    assert holds(n) == name


def certified(records: Sequence[Record], plan: LoadPlan = PLAN, **other: Any) -> Certificate:
    found = load_of(LoadRun(tuple(records), (phase(**other),), plan))
    return found.certificates[0]


def one(n: int, lag_ms: float = 1.0) -> Record:
    due = phase().steady_ns + n * S // 10
    return answered(due, stream(due + int(lag_ms * MS)), lag_ms=lag_ms)


def test_a_certificate_has_what_the_phase_and_its_chunks_say() -> None:
    health = (Health((500, 1500), 6.0, 12.0), Health((100,), 3.0, 12.0, "proxy"))
    found = certified([one(n) for n in range(50)], health=health)
    assert (found.loop_lag.longest, found.loop_lag.n, found.cpu_share) == (1.5, 3, 0.5)
    assert (found.lag.longest, found.start_lag.longest) == (1.0, 0.5)
    assert (found.asked_rate, found.due_rate, found.sent_rate) == (5.0, 5.0, 5.0)
    assert (found.transports, dict(found.stamps)) == (("proxy", "socket"), {"kernel": 250})
    assert (found.gap_p50, found.chunks_per_s, found.holds) == (10.0, 25.0, "p90")


def test_the_gap_that_lag_is_held_against_is_of_chunks_that_came_alone() -> None:
    """Chunks sent together have gaps of nothing, and no client could keep its lag below."""
    due = phase().steady_ns
    chunks = stream(due + MS, words=9)
    bursts = tuple(
        replace(chunks[0], coalesced=True, output_tokens=2 * n + 2) if n < 8 else one
        for n, one in enumerate(chunks)
    )
    found = certified([answered(due, bursts)])
    assert found.gap_p50 == 10.0


def test_a_ceiling_counts_if_it_was_measured_with_as_many_workers() -> None:
    records = [one(n) for n in range(50)]
    ceiling = Ceiling(100.0, 50.0, 10.0, 1, 0.0)
    assert certified(records, replace(PLAN, ceiling=ceiling)).of_ceiling == 0.5  # of its chunks
    other = replace(PLAN, ceiling=replace(ceiling, workers=2))
    assert certified(records, other).of_ceiling is None
    assert certified(records).of_ceiling is None


def test_the_summary_says_at_which_load_the_client_was_the_limit() -> None:
    lame = (Health((30_000,) * 1000, 11.9, 12.0),)
    found = load_of(made_load_run(loads=(5.0,), health=lame))
    assert found.client_limited == (
        "at 5 requests/s: the event loop woke 30.0 ms late at p99",
        "at 5 requests/s: a worker's processor was 99% busy",
    )
    assert load_of(made_load_run()).client_limited == ()


SHORT: dict[str, Any] = {"loop_lag": spread([30.0] * 40), "cpu_share": 0.99}


def test_a_window_that_is_too_short_is_not_judged_by_one_pause() -> None:
    assert limits(too_short=True, **SHORT) == ()
    assert len(limits(**SHORT)) == 2
    assert limits(too_short=True, start_lag=spread([9.0] * 1000))  # each request is a sample


@pytest.mark.parametrize(
    ("window_s", "lags", "is_short"), [(0.5, 50, True), (0.5, 100, False), (1.0, 3, False)]
)
def test_how_short_a_window_is_too_short(window_s: float, lags: int, *, is_short: bool) -> None:
    end = phase().steady_ns + int(window_s * S)
    health = (Health((30_000,) * lags, 1.0, 1.0),)
    found = certified([one(n) for n in range(3)], end_ns=end, drained_ns=end + S, health=health)
    assert found.too_short == is_short
    assert bool(found.limits) != is_short


def test_arrivals_all_at_once_have_no_rate_to_be_judged_by() -> None:
    """In a window of a nanosecond, 40 arrivals would be 4e10 a second."""
    steady = phase().steady_ns
    replay = replace(PLAN, shape=Shape.REPLAY)
    found = certified(
        [one(0)] * 40, replay, end_ns=steady + 1, drained_ns=steady + S,
        health=(Health((100,), 0.1, 1.0),),
    )  # fmt: skip
    assert (found.due_rate, found.sent_rate, found.chunks_per_s) == (None, None, None)
    assert found.limits == ()
