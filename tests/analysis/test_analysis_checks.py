"""What a test asserts of a run: never more than its answers say, and never less."""

from collections.abc import Sequence

import pytest
from checked_runs import hand_made

from stepeval.analysis.check_words import whole
from stepeval.analysis.checks import Check, Ending, Kind, checked
from stepeval.core.gate import GatePlan, Way
from stepeval.core.task import Expectation

RIGHT = Expectation()
ANSWERED = Expectation(least=None)


def only(
    answers: Sequence[float | str | None], expect: Expectation = RIGHT, **run: object
) -> Check:
    epochs = int(str(run.pop("epochs", len(answers))))
    found = checked(hand_made({"x": answers}, expect, epochs=epochs, **run))  # type: ignore[arg-type]  # passed on as they are
    (check,) = (c for c in found.checks if c.kind is Kind.ITEM)
    return check


@pytest.mark.parametrize(
    ("answers", "expect", "ending"),
    [
        ([1], Expectation(), Ending.PASSED),
        ([0], Expectation(), Ending.FAILED),
        ([0.99], Expectation(), Ending.FAILED),
        ([1, 0, 1], Expectation(least=0.6), Ending.PASSED),
        ([1, 0, 0], Expectation(least=0.6), Ending.FAILED),
        ([0.1 + 0.2], Expectation(least=0.3), Ending.PASSED),
        ([0], ANSWERED, Ending.PASSED),
        (["lost"], ANSWERED, Ending.FAILED),
        (["lost"], Expectation(), Ending.FAILED),
        ([0], Expectation(known_failing=("x",)), Ending.KNOWN),
        ([0], Expectation(known_failing=("x[a]",)), Ending.KNOWN),
        ([0], Expectation(known_failing=("x[b]", "y")), Ending.FAILED),
        ([1], Expectation(known_failing=("x",)), Ending.PASSED),
    ],
)
def test_an_item_holds_or_not(
    answers: list[float | str | None], expect: Expectation, ending: Ending
) -> None:
    assert only(answers, expect).ending is ending


@pytest.mark.parametrize("expect", [Expectation(), ANSWERED, Expectation(known_failing=("x",))])
@pytest.mark.parametrize("answers", [[None], ["mute"], [None, "mute"]])
def test_what_was_not_judged_is_an_error_and_no_wrong_answer(
    answers: list[float | str | None], expect: Expectation
) -> None:
    assert only(answers, expect).ending is Ending.ERROR


def test_a_failed_request_leaves_the_judgement_to_the_others() -> None:
    assert only([None, 1]).ending is Ending.PASSED
    assert only([None, 0]).ending is Ending.FAILED


def test_a_missing_answer_is_an_error_unless_the_run_may_leave_it_out() -> None:
    assert only([1], epochs=2).ending is Ending.ERROR
    race = GatePlan(Way.RACE, {"score": 0.05})
    assert only([], epochs=1, gate=race).ending is Ending.SKIPPED


def test_without_a_rule_that_an_answer_came_is_all_that_can_be_asked() -> None:
    assert only([1], scored=False).ending is Ending.PASSED
    assert only([None], scored=False).ending is Ending.ERROR


def floor(scores: Sequence[float | None], least: float, **run: object) -> Check:
    answers = {f"s{place}": [score] for place, score in enumerate(scores)}
    found = checked(hand_made(answers, Expectation(least=None, floor=least), **run))  # type: ignore[arg-type]  # passed on as they are
    (check,) = (c for c in found.checks if c.kind is Kind.SCORE)
    return check


def test_a_floor_fails_only_where_the_whole_interval_lies_below_it() -> None:
    """20 of 40 right is 35.2 to 64.8 by Wilson (1927): 0.6 may be true of it, 0.7 is not."""
    half = [1.0, 0.0] * 20
    assert floor(half, 0.6).ending is Ending.PASSED
    assert floor(half, 0.7).ending is Ending.FAILED
    assert "n = 40" in floor(half, 0.7).sentence
    assert floor([0.0, 1.0], 0.9).ending is Ending.PASSED, "two answers show nothing"


def test_a_floor_of_a_run_that_is_not_whole_is_an_error() -> None:
    found = checked(hand_made({"x": [1], "y": []}, Expectation(floor=0.1)))
    assert [c.ending for c in found.checks if c.kind is Kind.SCORE] == [Ending.ERROR]
    assert floor([None, None], 0.5).ending is Ending.ERROR


def test_a_failure_says_what_was_not_met_and_only_of_the_answer_that_went_wrong() -> None:
    check = only([1, 0.5])
    assert check.answer == "said"
    assert check.target == "right"
    assert [(b.rule, b.value) for b in check.broken] == [("rule", 0.5)]
    assert check.seconds == pytest.approx(0.5)
    told = whole(check)
    assert "1 of 2 answers are not right: score 0.75" in told
    assert "rule rule: 0.50, found 'said'" in told
    assert only([1]).broken == ()


def test_long_texts_are_cut() -> None:
    assert len(whole(only([0], text="x" * 100_000))) < 10_000
