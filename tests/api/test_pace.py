"""How long a run takes: the places in flight, and what a minute allows, whichever is slower."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.api.history import learned_of
from stepeval.api.pace import Pace, paces
from stepeval.core.limits import LimitChange
from stepeval.core.record import Mode, RunInfo
from stepeval.core.task import Arm, Limits, Prompt, Provider, Sample, Suite
from stepeval.store.run import create_run

HOME = Provider("p", "http://127.0.0.1:9/v1")
SUITE = Suite("s", (HOME,), (Prompt("q", ()),), (Sample("x", "hi"),), (Arm("a", "p", "m", "q"),))


@pytest.mark.parametrize(
    ("pace", "requests", "tokens", "seconds"),
    [
        (Pace(8, 8), 80, 0, 20.0),  # 2 s each, 8 at once
        (Pace(8, 8), 3, 0, 2.0),  # no request ends before it is answered
        (Pace(8, 8), 0, 0, 0.0),
        (Pace(4, 64), 4 + 8 + 16 + 32 + 64, 0, 10.0),  # twice as many in each round
        (Pace(4, 16), 4 + 8 + 160, 0, 24.0),
        (Pace(64, 64, requests_per_minute=10), 30, 0, 120.0),  # the first ten leave at once
        (Pace(64, 64, tokens_per_minute=1_000), 30, 4_000, 180.0),
    ],
)
def test_the_slowest_limit_decides(
    pace: Pace, requests: int, tokens: float, seconds: float
) -> None:
    assert pace.seconds(requests, tokens, 2.0 * requests) == pytest.approx(seconds)


@given(st.integers(0, 10**6), st.integers(1, 64), st.integers(1, 64))
def test_more_in_flight_never_takes_longer(requests: int, first: int, more: int) -> None:
    slow, quick = Pace(first, first), Pace(first, first + more)
    a_round_s = 1.0  # the last one need not be full
    assert quick.seconds(requests, 0, requests) <= slow.seconds(requests, 0, requests) + a_round_s


@pytest.mark.parametrize(
    ("limits", "learned", "expected"),
    [
        (Limits(12), {}, Pace(12, 12)),
        (Limits(learned=True), {}, Pace(4, 64)),
        (Limits(learned=True), {"concurrency": 20.0}, Pace(4, 20)),
        (Limits(12, requests_per_minute=50), {"requests_per_minute": 90.0}, Pace(12, 12, 50)),
        (Limits(12), {"tokens_per_minute": 90.0}, Pace(12, 12, None, 90.0)),
    ],
)
def test_known_limits_hold_and_learned_ones_lower_them(
    limits: Limits, learned: dict[str, float], expected: Pace
) -> None:
    suite = Suite("s", (HOME,), (), (), (), limits=limits)
    assert paces(suite, {"p": learned}) == {"p": expected}


def test_what_a_stored_run_was_taught_is_known_and_no_mere_growth(tmp_path: Path) -> None:
    info = RunInfo("20260131-235959-s-0a1b", "s", "h", Mode.LIVE, 1_000.0, "host", {}, "")
    told = [
        ("concurrency", 8.0, "grown"),
        ("requests_per_minute", 80.0, "refused"),
        ("requests_per_minute", 90.0, "grown"),
    ]
    with create_run(tmp_path, info, SUITE) as store:
        for kind, level, why in told:
            store.add_limit_change(LimitChange(1_000.0, "p", kind, level, 1.0, why))
    assert learned_of(SUITE, Mode.LIVE, tmp_path) == {"p": {"requests_per_minute": 90.0}}
    assert learned_of(SUITE, Mode.SIMULATED, tmp_path) == {}
    elsewhere = Suite("s", (Provider("p", "http://127.0.0.1:8/v1"),), (), (), ())
    assert learned_of(elsewhere, Mode.LIVE, tmp_path) == {}
