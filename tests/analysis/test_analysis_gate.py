"""The decision of a gate: three answers, a margin each, and a family kept honest."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.analysis.gate import Change, Scale, Tolerance, Verdict, gate, overall
from stepeval.stats.estimate import Estimate
from stepeval.stats.paired import log_ratio, mean_difference


def score(value: float, half: float, *, n: int = 400, cost: float | None = None) -> Change:
    """90% bounds of normal shape, a margin of 5 points."""
    estimate = Estimate(value, value - half, value + half, n, "bonett-price")
    return Change(Tolerance("score", 0.05), estimate, 0.9, n, cost)


@pytest.mark.parametrize(
    ("value", "half", "verdict", "small_drop"),
    [
        (0.0, 0.04, Verdict.SAFE, False),
        (0.0, 0.06, Verdict.INCONCLUSIVE, False),
        (-0.08, 0.04, Verdict.REGRESSED, False),
        (-0.02, 0.01, Verdict.SAFE, True),  # well measured, below 0, within the margin
        (-0.04, 0.03, Verdict.REGRESSED, False),  # below 0, and not shown within
    ],
)
def test_each_verdict_has_its_place(
    value: float, half: float, verdict: Verdict, small_drop: bool
) -> None:
    found = gate([score(value, half)])
    assert found.verdict is verdict
    assert found.metrics[0].small_drop is small_drop


def test_a_ratio_is_worse_when_it_grows() -> None:
    tolerance = Tolerance("latency", 1.1, Scale.RATIO)
    slower = log_ratio([100.0, 110, 90, 105] * 20, [150.0, 170, 130, 150] * 20, confidence=0.9)
    same = log_ratio([100.0, 110, 90, 105] * 20, [101.0, 109, 91, 104] * 20, confidence=0.9)
    verdicts = [
        gate([Change(tolerance, found.estimate, 0.9, 80, p=found.p)]).verdict
        for found in (slower, same)
    ]
    assert verdicts == [Verdict.REGRESSED, Verdict.SAFE]


def test_t_bounds_give_back_their_own_error() -> None:
    """What a t interval at 90% excludes, a gate at one-sided 5% excludes, and nothing else."""
    for shift in (0.020, 0.028, 0.036, 0.044):
        found = mean_difference([-shift + 0.1 * math.sin(place) for place in range(40)], None, 0.9)
        high = found.estimate.high
        assert high is not None
        change = Change(Tolerance("score", 0.001), found.estimate, 0.9, 40)
        assert (gate([change]).verdict is Verdict.REGRESSED) is (high < 0)


def test_many_metrics_do_not_raise_false_alarms() -> None:
    """A p of 0.04 regresses alone; among five it does not (Holm), and a clear one still does."""
    near = score(-0.0213, 0.02)
    alone = gate([near])
    assert alone.metrics[0].p_worse == pytest.approx(0.04, abs=0.001)
    assert alone.verdict is Verdict.SAFE  # it is also within the margin: a small drop
    wide = score(-0.064, 0.06)
    assert gate([wide]).verdict is Verdict.REGRESSED
    assert gate([wide, *[score(0.0, 0.01)] * 4]).verdict is Verdict.INCONCLUSIVE
    clear = score(-0.2, 0.06)
    assert gate([clear, *[score(0.0, 0.01)] * 4]).verdict is Verdict.REGRESSED


def test_undecided_says_how_many_more_items() -> None:
    """Half as wide an interval needs four times the items; 1.645 + 0.842 of errors to the margin.

    An error of 0.06 / 1.645 = 0.03648 and 400 items: (2.487 * 0.03648 / 0.05)^2 = 3.292 times.
    """
    metric = gate([score(0.0, 0.06, cost=8.0)]).metrics[0]
    assert metric.more_items is not None
    assert metric.more_items == pytest.approx(400 * 2.292, abs=2)
    assert metric.more_cost == pytest.approx(metric.more_items * 0.02)
    assert gate([score(-0.05, 0.06)]).metrics[0].more_items is not None  # to show the drop


def test_what_cannot_be_told_is_inconclusive() -> None:
    nothing = Estimate(0.0, None, None, 1, "t", "one value has no spread")
    metric = gate([Change(Tolerance("score", 0.05), nothing, 0.9, 1)]).metrics[0]
    assert (metric.verdict, metric.p_worse, metric.more_items) == (
        Verdict.INCONCLUSIVE,
        None,
        None,
    )
    with pytest.raises(ValueError, match="needs a metric"):
        gate([])


@pytest.mark.parametrize(("margin", "scale"), [(0.0, Scale.POINTS), (1.0, Scale.RATIO)])
def test_a_margin_of_nothing_is_refused(margin: float, scale: Scale) -> None:
    with pytest.raises(ValueError, match="must be above"):
        Tolerance("score", margin, scale)


@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.3), st.floats(0.001, 0.1))
def test_better_scores_never_make_it_worse(value: float, half: float, better: float) -> None:
    ranks = [Verdict.REGRESSED, Verdict.INCONCLUSIVE, Verdict.SAFE]
    before, after = (gate([score(place, half)]).verdict for place in (value, value + better))
    assert ranks.index(after) >= ranks.index(before)


def test_one_regressed_metric_is_enough_and_all_must_be_safe() -> None:
    assert overall([Verdict.SAFE, Verdict.REGRESSED]) is Verdict.REGRESSED
    assert overall([Verdict.SAFE, Verdict.INCONCLUSIVE]) is Verdict.INCONCLUSIVE
    assert overall([Verdict.SAFE, Verdict.SAFE]) is Verdict.SAFE
