"""An even pace: nothing saved up at the start, and little later."""

from hypothesis import given
from hypothesis import strategies as st

from stepeval.execution.even import EvenPace


@given(st.floats(0.1, 100), st.integers(2, 200))
def test_whoever_is_always_ready_leaves_at_even_times(rate: float, count: int) -> None:
    pace, now, left = EvenPace(1.0, 0.0), 0.0, []
    for _ in range(count):
        now = max(now, pace.ready_at(now, rate))
        pace.spend(1)
        left.append(now)
    assert left[0] == 0
    for number, at in enumerate(left):
        assert abs(at - number / rate) < 1e-6


def test_a_pause_is_made_up_for_by_no_more_than_the_depth() -> None:
    pace = EvenPace(1.0, 0.0)
    assert pace.ready_at(100.0, 5.0) == 100.0
    for _ in range(6):  # five of the depth, and one that makes a debt
        assert pace.ready_at(100.0, 5.0) == 100.0
        pace.spend(1)
    assert pace.ready_at(100.0, 5.0) > 100.0
