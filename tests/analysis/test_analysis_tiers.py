"""Adjacent tiers, in their order, and advice that says no more than the numbers."""

from collections.abc import Sequence

import pytest
from compared_rows import binary, row, side

from stepeval.analysis import compare_words as words
from stepeval.analysis.columns import SampleRow
from stepeval.analysis.compare import Comparison, Kind, Metric, Row, compare
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.tiers import ladder, ladders
from stepeval.core.models import efforts
from stepeval.core.task import Arm
from stepeval.stats.difference import Difference
from stepeval.stats.estimate import Estimate


def arm(name: str, effort: object, prompt: str = "plain", **params: object) -> Arm:
    return Arm(name, "p", "m", prompt, {"reasoning_effort": effort, **params})


def names(groups: Sequence[Sequence[Arm]]) -> list[list[str]]:
    return [[found.name for found in group] for group in groups]


def test_tiers_stand_in_the_order_of_their_efforts_whatever_the_suites() -> None:
    arms = [arm("h", "high"), arm("l", "low"), arm("m", "medium")]
    assert names(ladders(arms)) == [["l", "m", "h"]]
    assert efforts().index("none") < efforts().index("low") < efforts().index("high")


def test_only_arms_that_differ_in_nothing_else_are_tiers_of_each_other() -> None:
    arms = [
        *(arm(f"1{e}", e, "one") for e in ("low", "high")),
        *(arm(f"2{e}", e, "two") for e in ("low", "high")),
        arm("hot", "medium", "one", temperature=1.0),
        Arm("plain", "p", "m", "one"),
    ]
    assert names(ladders(arms)) == [["1low", "1high"], ["2low", "2high"]]


def test_an_effort_of_unknown_place_or_named_twice_makes_no_ladder() -> None:
    assert ladders([arm("a", "low"), arm("b", "extreme")]) == ()
    assert ladders([arm("a", "low"), arm("b", ["low"])]) == ()
    assert ladders([arm("a", "low"), arm("b", "low"), arm("c", "high")]) == ()


def tier(name: str, rows: Sequence[SampleRow]) -> ComparedArm:
    return side(rows, name, params={"reasoning_effort": name})


def steps() -> tuple[Comparison, ...]:
    """Of 100 items low has 60, medium 90 and high 91; each tier costs twice the one below."""
    rights = {"low": 60, "medium": 90, "high": 91}
    low, medium, high = (
        tier(
            name,
            [
                row(f"s{n:03d}", float(n < right), original_cost=2**place * (1 + n % 7 / 10))
                for n in range(100)
            ],
        )
        for place, (name, right) in enumerate(rights.items())
    )
    return compare([(low, medium), (medium, high)])


def test_the_advice_is_one_sentence_of_what_is_shown_and_what_is_not() -> None:
    """By hand: 30 gained of 100 are 30/102 +- 1.96 * 0.0472, and 3/102 flips need 575 items."""
    assert words.advice(steps()) == (
        "medium over low: +30.0 points (20.2 to 38.7), 2.0x the cost; high over medium: "
        "no difference shown, 2.0x the cost, 475 more items would show 2 points."
    )


def test_an_extra_correct_answer_costs_the_extra_cost_by_the_answers_gained() -> None:
    found = ladder(steps())
    first, second = found.steps
    extra = sum(1 + n % 7 / 10 for n in range(100))
    assert first.extra_cost.value == pytest.approx(extra / 30)
    assert first.extra_cost.low is not None
    assert first.extra_cost.high is not None
    assert first.extra_cost.low < extra / 30 < first.extra_cost.high
    assert second.extra_cost.value == pytest.approx(2 * extra)
    assert second.extra_cost.high is None  # it may gain none


def test_a_tier_is_on_the_front_as_often_as_none_is_cheaper_and_as_good() -> None:
    shares = ladder(steps()).on_front
    assert shares["low"] == shares["medium"] == 1.0
    assert 0.5 < shares["high"] < 0.7  # one gained item is in 1 - (1 - 1/100)^100 of resamples


def test_without_costs_there_is_no_front_and_no_price() -> None:
    left, right = binary(3, 12, 100)
    (found,) = compare([(tier("low", left), tier("high", right))])
    made = ladder([found])
    assert made.on_front == {}
    assert made.steps[0].extra_cost.value is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Estimate(0.5, 0.2, 1.25, 9, "fieller"), "0.50 USD (0.20 to 1.25)"),
        (Estimate(0.5, 0.2, None, 9, "fieller"), "0.50 USD (at least 0.20, or none gained)"),
        (Estimate(0.5, None, None, 9, "fieller"), "0.50 USD (no bound)"),
        (Estimate(None, None, None, 9, "fieller", "it gives fewer"), "it gives fewer"),
    ],
)
def test_a_price_without_an_upper_bound_says_so(found: Estimate, said: str) -> None:
    assert words.extra_cost(found, "USD") == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(0.04, "0.04x"), (0.43, "0.43x"), (1.02, "1.02x"), (2.44, "2.4x"), (31, "31x")],
)
def test_a_ratio_near_one_keeps_its_hundredths(ratio: float, said: str) -> None:
    assert words.times(ratio) == said


def test_an_interval_has_the_digits_of_its_ratio() -> None:
    found = Estimate(1.444, 1.351, 1.526, 9, "log ratio")
    row = Row(Metric("cost", Kind.RATIO, more_is_better=False), 1, 2, Difference(found, 0.1, "t"))
    assert words.difference(row) == "1.44x (1.35 to 1.53)"


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ((1.0, 1.02, 1.01, 1.01), "about the same cost"),
        ((2.0, 2.1, 1.9, 2.0), "2.0x the cost"),
        ((0.5, 4.0, 3.0, 0.9), "1.5x the cost (0.3 to 7.3)"),
        ((1.4,), "1.40x the cost (no interval)"),
    ],
)
def test_a_cost_that_is_not_shown_to_differ_stands_with_its_interval(
    factors: tuple[float, ...], said: str
) -> None:
    left = [row(f"s{n}", original_cost=1.0) for n in range(len(factors))]
    right = [row(f"s{n}", original_cost=f) for n, f in enumerate(factors)]
    (found,) = compare([(side(left, "a"), side(right, "b"))])
    assert words.times_the_cost(found) == said


@pytest.mark.parametrize(
    ("currency", "said"), [("CNY", "two currencies"), (None, "the cost is not known of both")]
)
def test_an_extra_answer_without_a_price_says_why(currency: str | None, said: str) -> None:
    left = [row(f"s{n}", n % 2, original_cost=1.0) for n in range(6)]
    right = [row(f"s{n}", 1.0, currency=currency, original_cost=currency and 2.0) for n in range(6)]
    (step,) = ladder(compare([(side(left, "a"), side(right, "b"))])).steps
    assert step.extra_cost.reason == said
