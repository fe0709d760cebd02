"""What is measured, and what is not: warm-up and drain stay outside."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.execution.purse import OwnPurse
from stepeval.execution.window import Bounds, Window

EVERY_SECOND = [n * 1_000_000_000 for n in range(100)]


def test_requests_are_counted_from_the_end_of_the_warm_up() -> None:
    window = Window(Bounds(warm_requests=3, requests=5), 0)
    assert list(window.admitted(EVERY_SECOND)) == EVERY_SECOND[:8]
    assert window.close(99, cut=False) == (EVERY_SECOND[3], EVERY_SECOND[8])


def test_time_is_counted_from_the_end_of_the_warm_up() -> None:
    window = Window(Bounds(warm_ns=2_500_000_000, duration_ns=4_000_000_000), 0)
    assert list(window.admitted(EVERY_SECOND)) == EVERY_SECOND[:7]
    assert window.close(99, cut=False) == (2_500_000_000, 6_500_000_000)


def test_a_schedule_that_runs_out_ends_a_mean_gap_after_its_last_moment() -> None:
    window = Window(Bounds(warm_requests=1), 5)
    assert list(window.admitted([5, 17, 20, 27])) == [5, 17, 20, 27]
    assert window.close(1000, cut=False) == (17, 32)  # 3 in 15 is the rate of gaps of 5


@pytest.mark.parametrize("moments", [[5], [5, 5, 5]])
def test_a_schedule_without_a_span_has_a_window_of_next_to_nothing(moments: list[int]) -> None:
    window = Window(Bounds(warm_requests=0), 5)
    assert list(window.admitted(moments)) == moments
    assert window.close(1000, cut=False) == (5, 6)


def test_what_was_cut_short_is_measured_as_far_as_the_load_was_held() -> None:
    window = Window(Bounds(warm_requests=1, requests=50), 0)
    moments = window.admitted(count(step=10))
    assert [next(moments) for _ in range(4)] == [0, 10, 20, 30]
    assert window.close(500, cut=True) == (10, 31)


def test_a_phase_cut_in_its_warm_up_measured_nothing() -> None:
    window = Window(Bounds(warm_ns=1000, requests=50), 0)
    moments = window.admitted(count(step=10))
    assert [next(moments) for _ in range(2)] == [0, 10]
    steady, end = window.close(500, cut=True)
    assert steady == end == 11


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 50), max_size=60),
    st.integers(0, 10),
    st.integers(1, 20),
    st.booleans(),
)
def test_every_measured_moment_lies_in_the_window_and_no_other(
    gaps: list[int], warm: int, requests: int, cut: bool
) -> None:
    moments, now = [], 0
    for gap in gaps:
        now += gap + 1
        moments.append(now)
    window = Window(Bounds(warm_requests=warm, requests=requests), 0)
    passed = list(window.admitted(moments))
    steady, end = window.close(now + 7, cut=cut)
    assert [m for m in passed if steady <= m < end] == passed[warm : warm + requests]


@given(st.integers(0, 5), st.integers(0, 40), st.lists(st.booleans(), min_size=60, max_size=60))
def test_windows_that_share_their_requests_let_no_more_through(
    warm: int, requests: int, turns: list[bool]
) -> None:
    """However unevenly they are served, none has requests left when another has none."""
    bounds, left = (
        Bounds(warm_requests=warm, requests=requests),
        (OwnPurse(warm), OwnPurse(requests)),
    )
    windows = [Window(bounds, 0, warm=left[0], measured=left[1]) for _ in range(2)]
    moments = [window.admitted(count()) for window in windows]
    for turn in turns:
        next(moments[turn], None)
    assert sum(window.count for window in windows) == min(warm + requests, 60)
