import pytest

from stepeval.analysis.outcomes import counts_as, outcome_of, sample_score
from stepeval.core.chat import Choice, Failure, FailureKind, Response, Timing, ToolCall, Usage
from stepeval.core.models import list_price
from stepeval.core.pricing import price_for
from stepeval.core.record import Mode, Outcome, Score, ScoreRow
from stepeval.core.task import Arm, Price, Provider, Sample, ScoringRule, Suite

OK = Response(None, None, (), Usage(), Timing(None, None, None, None))
SAMPLE = Sample("s", "x", metadata={"tag": "a"})


def scores(**values: float | None) -> dict[str, ScoreRow]:
    return {rule: ScoreRow("c", 0, rule, Score("x", value)) for rule, value in values.items()}


@pytest.mark.parametrize(
    ("choice", "score", "expected"),
    [
        (Choice(0, "4"), 1.0, Outcome.CORRECT),
        (Choice(0, "4"), 1.0 - 1e-10, Outcome.CORRECT),
        (Choice(0, "4"), 0.99, Outcome.INCORRECT),
        (Choice(0, "4"), None, Outcome.UNSCORED),
        (Choice(0, "", finish_reason="length"), 0.0, Outcome.NO_ANSWER),
        (Choice(0, "", finish_reason="length"), None, Outcome.NO_ANSWER),
        (Choice(0, "", finish_reason="stop"), 0.0, Outcome.INCORRECT),
        (Choice(0, "4", finish_reason="length"), 1.0, Outcome.CORRECT),
        (Choice(0, "", None, (ToolCall(None, "f", ""),), "length"), 0.0, Outcome.INCORRECT),
        (Choice(0, "4", finish_reason="content_filter"), 1.0, Outcome.FILTERED),
        (None, None, Outcome.FAILED),
    ],
)
def test_a_choice_ends_in_one_outcome(
    choice: Choice | None, score: float | None, expected: Outcome
) -> None:
    assert outcome_of(OK, choice, score) is expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure(FailureKind.SERVER, "", 500), Outcome.FAILED),
        (Failure(FailureKind.MODERATION, ""), Outcome.FILTERED),
        (Failure(FailureKind.HTTP, "", 451), Outcome.FILTERED),
    ],
)
def test_a_failure_is_no_wrong_answer(failure: Failure, expected: Outcome) -> None:
    assert outcome_of(failure, None, None) is expected


def test_a_score_is_the_weighted_mean_of_the_rules_that_concern_the_sample() -> None:
    rules = (
        ScoringRule("a", "x", weight=3.0),
        ScoringRule("b", "x"),
        ScoringRule("shown", "x", weight=0.0),
        ScoringRule("others", "x", where={"tag": "b"}),
    )
    assert sample_score(rules, SAMPLE, scores(a=1.0, b=0.0)) == 0.75
    assert sample_score(rules, SAMPLE, scores(a=1.0, b=0.0, shown=None, others=0.0)) == 0.75
    assert sample_score(rules, SAMPLE, scores(a=1.0, b=None)) is None
    assert sample_score(rules, SAMPLE, scores(a=1.0)) is None, "b is still to come"
    assert sample_score((), SAMPLE, {}) is None


def test_a_lost_answer_counts_as_nothing_and_a_failure_does_not_count() -> None:
    assert counts_as(Outcome.NO_ANSWER, 0.5) == 0.0
    assert counts_as(Outcome.FILTERED, None) == 0.0
    assert counts_as(Outcome.INCORRECT, 0.5) == 0.5
    for outcome in (Outcome.FAILED, Outcome.UNSCORED, Outcome.SKIPPED):
        assert counts_as(outcome, 1.0) is None


def suite(base_url: str, own: Price | None = None) -> tuple[Arm, Suite]:
    arm = Arm("a", "p", "step-3.7-flash", "q")
    prices = {} if own is None else {"step-3.7-flash": own}
    return arm, Suite("s", (Provider("p", base_url),), (), (), (arm,), prices=prices)


def test_a_price_is_the_suites_the_hosts_or_in_simulation_the_list_one() -> None:
    listed = list_price("step-3.7-flash")
    own = Price("EUR", 1.0, 1.0, 1.0)
    assert price_for(*suite("https://api.stepfun.ai/v1"), Mode.LIVE) == listed
    assert price_for(*suite("https://api.stepfun.ai/v1", own), Mode.LIVE) == own
    for local in ("http://127.0.0.1:8/v1", "http://localhost:8/v1", "http://[::1]:8/v1"):
        assert price_for(*suite(local), Mode.SIMULATED) == listed
        assert price_for(*suite(local), Mode.LIVE) is None
    assert price_for(*suite("https://elsewhere.example/v1"), Mode.SIMULATED) is None
