"""A search ends near the highest load that keeps its promises, and never needs many phases."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.execution.search import best_rate, next_rate


def search(low: float, high: float, limit: float) -> list[tuple[float, bool]]:
    tried: list[tuple[float, bool]] = []
    while (load := next_rate(low, high, tried)) is not None:
        tried.append((load, load <= limit))
        assert len(tried) < 50
    return tried


@settings(deadline=None)
@given(st.floats(0.1, 100), st.floats(1.01, 1000), st.floats(0, 2))
def test_it_finds_the_highest_rate_to_five_percent(low: float, times: float, place: float) -> None:
    high = low * times
    limit = low + (high - low) * place
    tried = search(low, high, limit)
    best = best_rate(tried)
    assert len(tried) <= 12
    if limit >= high:
        assert best == high
    else:
        assert best is not None
        assert best <= limit
        if len(tried) < 12:
            assert limit - best <= 0.05 * best


def test_a_server_that_fails_at_the_lowest_rate_is_asked_no_further() -> None:
    assert search(5, 50, 1) == [(5, False)]
    assert best_rate([(5, False)]) is None


def test_the_highest_is_tried_before_the_middle() -> None:
    assert [load for load, _ in search(10, 20, 100)] == [10, 20]
    assert [load for load, _ in search(10, 20, 15)][:3] == [10, 20, 15]
