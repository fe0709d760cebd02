"""Differences as a hand would compute them, and no claim that the family does not allow."""

import math
from dataclasses import replace

import numpy as np
import pytest
from compared_rows import binary, row, side
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from stepeval.analysis.compare import Comparison, Family, Kind, compare, is_shown_among
from stepeval.core.record import Outcome

COSTS = [0.001 * (1 + n % 5) for n in range(40)]


def compared(b: int, c: int, n: int) -> Comparison:
    left, right = binary(b, c, n)
    (found,) = compare([(side(left), side(right, "b"))])
    return found


def test_one_answer_an_item_is_mcnemar_with_bonett_and_prices_interval() -> None:
    quality = compared(3, 12, 100).quality
    assert quality is not None
    found = quality.difference
    assert found.p == pytest.approx(0.02127075, abs=1e-8)
    assert (found.estimate.low, found.estimate.high) == pytest.approx(
        (0.010881, 0.165590), abs=1e-6
    )
    assert found.estimate.value == pytest.approx(0.09)
    assert (quality.a, quality.b) == pytest.approx((0.88, 0.97))
    assert quality.is_shown
    assert quality.is_better


def test_a_loss_is_worse_and_not_better() -> None:
    quality = compared(12, 3, 100).quality
    assert quality is not None
    assert quality.is_shown
    assert not quality.is_better


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12))
def test_turning_the_arms_around_turns_the_sign_and_keeps_the_chance(b: int, c: int) -> None:
    one, other = compared(b, c, 30).quality, compared(c, b, 30).quality
    assert one is not None
    assert other is not None
    first, second = one.difference, other.difference
    assert first.estimate.value == pytest.approx(-(second.estimate.value or 0.0))
    assert first.estimate.low == pytest.approx(-(second.estimate.high or 0.0))
    assert first.p == pytest.approx(second.p)


def test_several_comparisons_are_adjusted_together_by_holm() -> None:
    """Alone p = .0213 is shown; the smallest of three must be below .0167."""
    left, right = binary(3, 12, 100)
    baseline = side(left)
    (alone,) = compare([(baseline, side(right, "b"))])
    found = compare([(baseline, side(right, name)) for name in "bcd"])
    assert alone.quality is not None
    assert alone.quality.is_shown
    for one in found:
        assert one.quality is not None
        assert one.quality.p_adjusted == pytest.approx(3 * 0.02127075)
        assert not one.quality.is_shown


def test_what_was_picked_for_its_result_must_stand_out_among_all_pairs() -> None:
    quality = compared(3, 12, 100).quality
    assert quality is not None
    assert is_shown_among(quality, 1)
    assert is_shown_among(quality, 2)
    assert not is_shown_among(quality, 3)


def test_cost_is_a_ratio_by_the_paired_t_of_logarithms() -> None:
    factors = [2.0 if n % 2 else 3.0 for n in range(40)]
    left = [row(f"s{n}", original_cost=cost) for n, cost in enumerate(COSTS)]
    right = [
        row(f"s{n}", original_cost=cost * f)
        for n, (cost, f) in enumerate(zip(COSTS, factors, strict=True))
    ]
    (found,) = compare([(side(left), side(right, "b"))])
    cost = found.row("cost")
    assert cost is not None
    logs = np.log(factors)
    half = stats.t.ppf(0.975, 39) * logs.std(ddof=1) / math.sqrt(40)
    assert cost.difference.estimate.value == pytest.approx(math.sqrt(6))
    assert cost.difference.estimate.high == pytest.approx(math.exp(logs.mean() + half))
    assert cost.a is not None
    assert cost.b == pytest.approx(cost.a * math.sqrt(6))
    assert cost.family is Family.EXPLORATION
    assert not cost.is_better


def test_an_arm_that_does_not_reason_has_an_amount_and_no_ratio() -> None:
    left = [row(f"s{n}", reasoning_tokens=0) for n in range(40)]
    right = [row(f"s{n}", reasoning_tokens=100 + n) for n in range(40)]
    (found,) = compare([(side(left), side(right, "b"))])
    tokens = found.row("reasoning_tokens")
    assert tokens is not None
    assert tokens.metric.kind is Kind.AMOUNT
    assert tokens.difference.estimate.value == pytest.approx(119.5)


def test_what_is_not_known_is_no_zero() -> None:
    (found,) = compare([(side([row("s")]), side([row("s")], "b"))])
    cost = found.row("cost")
    assert cost is not None
    assert (cost.a, cost.b, cost.difference.estimate.value) == (None, None, None)
    assert cost.p_adjusted is None


def test_prices_in_two_currencies_are_not_compared() -> None:
    left = [row(f"s{n}", original_cost=cost) for n, cost in enumerate(COSTS)]
    right = [row(f"s{n}", original_cost=cost, currency="CNY") for n, cost in enumerate(COSTS)]
    (found,) = compare([(side(left), side(right, "b"))])
    cost = found.row("cost")
    assert cost is not None
    assert cost.difference.estimate.value is None
    assert cost.difference.estimate.reason == "the prices are in different currencies"


def test_latency_under_a_load_that_moved_decides_nothing_and_takes_nothing_from_others() -> None:
    left = [row(f"s{n}", e2e_ms=100.0 + n, output_tokens=10 + n % 3) for n in range(40)]
    right = [row(f"s{n}", e2e_ms=200.0 + n, output_tokens=10 + n % 5) for n in range(40)]
    (fit,) = compare([(side(left), side(right, "b"))])
    (unfit,) = compare([(side(left, unfit="it moved"), side(right, "b"))])
    slower, withheld = fit.row("e2e_ms"), unfit.row("e2e_ms")
    assert slower is not None
    assert slower.is_shown
    assert withheld is not None
    assert withheld.withheld == "it moved"
    assert not withheld.is_shown
    assert withheld.difference == slower.difference
    tokens = unfit.row("output_tokens")
    assert tokens is not None
    assert tokens.p_adjusted == tokens.difference.p


def test_partly_right_answers_are_compared_by_their_mean_score() -> None:
    left = [row(f"s{n}", 0.1 * (n % 8)) for n in range(40)]
    right = [row(f"s{n}", 0.1 * (n % 8) + 0.2) for n in range(40)]
    (found,) = compare([(side(left), side(right, "b"))])
    assert found.quality is not None
    assert found.quality.metric.key == "score"
    assert found.row("accuracy") is not None


def test_repeated_items_are_compared_by_their_means() -> None:
    """Ten items asked ten times are ten items: no hundred."""
    left = [row(f"s{n}", 0.0, epoch=e) for n in range(10) for e in range(10)]
    right = [row(f"s{n}", float(e < n), epoch=e) for n in range(10) for e in range(10)]
    (found,) = compare([(side(left), side(right, "b"))])
    assert found.quality is not None
    assert found.quality.difference.estimate.n == 10
    assert found.quality.difference.test == "sign-flip permutation"


def test_related_samples_widen_the_interval() -> None:
    left, right = binary(10, 30, 100)
    clusters = {f"s{n:03d}": f"c{n // 10}" for n in range(100)}
    (alone,) = compare([(side(left), side(right, "b"))])
    (related,) = compare([(side(left, clusters=clusters), side(right, "b", clusters=clusters))])
    assert alone.quality is not None
    assert related.quality is not None
    one, other = alone.quality.difference.estimate, related.quality.difference.estimate
    assert other.n == 10
    assert other.low is not None
    assert one.low is not None
    assert other.low < one.low


def test_answers_lost_to_thinking_are_a_row_where_there_are_any() -> None:
    left, right = binary(0, 0, 50)
    (none,) = compare([(side(left), side(right, "b"))])
    assert none.row("lost") is None
    cut = [replace(r, outcome=Outcome.NO_ANSWER, correct=False) for r in right[:10]]
    (some,) = compare([(side(left), side([*cut, *right[10:]], "b"))])
    lost = some.row("lost")
    assert lost is not None
    assert (lost.a, lost.b) == (0.0, 0.2)
    assert lost.is_shown
    assert not lost.is_better


def test_without_rules_there_is_no_verdict_on_quality() -> None:
    left, right = binary(3, 12, 100)
    (found,) = compare([(side(left, scoring=()), side(right, "b", scoring=()))])
    assert found.quality is None
    assert found.needed is None


def test_the_items_a_difference_takes_follow_from_how_much_answers_differ() -> None:
    few, many = compared(5, 5, 100).needed, compared(25, 25, 100).needed
    assert few is not None
    assert many is not None
    assert few.items < many.items
    assert few.more == few.items - 100
    assert compared(0, 0, 1).needed is None


def test_no_flip_among_few_items_does_not_prove_that_there_are_none() -> None:
    found = compared(0, 0, 10).needed
    assert found is not None
    assert found.more > 1000
