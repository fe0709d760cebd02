"""A search ends near the highest load that keeps its promises, and never needs many phases."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.load import Bracket, Trial, Verdict
from stepeval.execution.search import bracket, next_rate

KEPT, BROKEN, UNCLEAR = Verdict.KEPT, Verdict.BROKEN, Verdict.UNCLEAR


def search(
    low: float, high: float, limit: float, again: Callable[[float], Verdict] = lambda _: KEPT
) -> list[Trial]:
    """``again``: what a good load shows when it is tried for the second time."""
    tried: list[Trial] = []
    while (load := next_rate(low, high, tried)) is not None:
        first = all(one.load != load for one in tried)
        good = KEPT if first else again(load)
        tried.append(Trial(load, good if load <= limit else BROKEN, 1.0, 100))
        assert len(tried) < 50
    return tried


@settings(deadline=None)
@given(st.floats(0.1, 100), st.floats(1.01, 1000), st.floats(0, 2))
def test_it_finds_the_highest_rate_to_five_percent_and_confirms_it(
    low: float, times: float, place: float
) -> None:
    high = low * times
    limit = low + (high - low) * place
    tried = search(low, high, limit)
    found = bracket(tried)
    assert found.kept is not None
    assert [one.load for one in tried].count(found.kept.load) == 2
    assert found.kept.n == 200
    assert len(tried) <= 13
    if limit >= high:
        assert (found.kept.load, found.missed) == (high, None)
        return
    assert found.missed is not None
    assert found.kept.load <= limit < found.missed.load
    if len(tried) < 12:
        assert found.missed.load - found.kept.load <= 0.05 * found.kept.load


def test_a_server_that_fails_at_the_lowest_rate_is_asked_no_further() -> None:
    for verdict in (BROKEN, UNCLEAR):
        tried = [Trial(5, verdict)]
        assert next_rate(5, 50, tried) is None
        assert bracket(tried) == Bracket(None, tried[0])


def test_the_highest_is_tried_before_the_middle() -> None:
    assert [one.load for one in search(10, 20, 100)] == [10, 20, 20]
    assert [one.load for one in search(10, 20, 15)][:3] == [10, 20, 15]


def test_what_is_unclear_is_not_taken_for_kept() -> None:
    tried = [Trial(10, KEPT), Trial(50, KEPT), Trial(50, UNCLEAR)]
    assert next_rate(10, 50, tried) == 30
    assert bracket(tried).missed == tried[2]


def test_a_winner_that_cannot_be_confirmed_is_searched_below() -> None:
    """It was chosen for having done well, so what it did then tells too much of it."""
    tried = search(10, 50, 40, again=lambda load: BROKEN if load > 30 else KEPT)
    found = bracket(tried)
    assert found.kept is not None
    assert found.missed is not None
    assert 25 < found.kept.load <= 30
    assert found.missed.load > 30


@given(st.floats(0.5, 1000), st.floats(1.06, 10))
def test_a_rate_has_no_more_digits_than_the_distance_gives_a_meaning(
    good: float, times: float
) -> None:
    bad = good * times
    middle = next_rate(good, bad, [Trial(good, KEPT), Trial(bad, BROKEN)])
    assert middle is not None
    assert good < middle < bad
    step = 10.0 ** -len(f"{middle:.10f}".rstrip("0").partition(".")[2])
    assert step >= (bad - good) / 40 or middle == round(middle)
