from dataclasses import dataclass

import pytest

from stepeval.api.scoring import BoundRule, bind_rules, score_records, unjudgeable
from stepeval.core.chat import Choice, Exchange, Failure, FailureKind, Response, Timing, Usage
from stepeval.core.errors import UsageError
from stepeval.core.record import Attempt, Record, Score
from stepeval.core.task import Arm, Cell, Provider, Sample, ScoringRule, Suite
from stepeval.scorers.text import Exact

NO_TIME = Timing(None, None, None, None)


@dataclass(frozen=True, slots=True)
class Fixed:
    value: float | None

    def __call__(self, sample: Sample, choice: Choice) -> Score:  # noqa: ARG002 -- the port's
        return Score("fixed", self.value, answer=choice.text)


def record(result: Response | Failure, **metadata: str) -> Record:
    cell = Cell("c", Arm("a", "p", "m", "d"), Sample("s", "x", metadata=metadata))
    return Record(cell, (Attempt(1, 0.0, 0, 1, Exchange("u", "{}", result)),))


def answer(*texts: str) -> Response:
    choices = tuple(Choice(index, text) for index, text in enumerate(texts))
    return Response("r", "m", choices, Usage(), NO_TIME)


def rule(value: float | None, **settings: object) -> BoundRule:
    return BoundRule(ScoringRule("r", "fixed", **settings), Fixed(value))  # type: ignore[arg-type]  # settings of many types


def values(result: Record, bound: BoundRule) -> list[float | None]:
    return [row.score.value for row in score_records([result], (bound,))]


def test_negation_turns_right_and_wrong_around_but_not_the_unjudged() -> None:
    assert values(record(answer("x")), rule(1.0, negate=True)) == [0.0]
    assert values(record(answer("x")), rule(0.25, negate=True)) == [0.75]
    assert values(record(answer("x")), rule(None, negate=True)) == [None]


def test_every_choice_is_scored_under_its_own_index() -> None:
    rows = list(score_records([record(answer("x", "y"))], (rule(1.0),)))
    assert [(row.choice, row.score.answer, row.rule) for row in rows] == [
        (0, "x", "r"),
        (1, "y", "r"),
    ]


def test_a_failure_has_no_score_at_all() -> None:
    """A failed request is no wrong answer."""
    assert values(record(Failure(FailureKind.SERVER, "500")), rule(1.0)) == []


def test_a_rule_applies_where_its_filter_matches() -> None:
    only_logic = rule(1.0, where={"kind": "logic"})
    assert values(record(answer("x"), kind="logic"), only_logic) == [1.0]
    assert values(record(answer("x"), kind="arithmetic"), only_logic) == []


def test_code_of_a_suite_is_not_loaded_unless_it_is_allowed() -> None:
    own = ScoringRule("mine", "./mine.py:judge")
    suite = Suite("s", (Provider("p", "http://localhost"),), (), (), (), scoring=(own,))
    with pytest.raises(UsageError, match="--allow-scorer-code"):
        bind_rules(suite, allow_code=False)


def test_a_rule_that_can_never_judge_is_told_before_anything_is_paid() -> None:
    exact = BoundRule(ScoringRule("right", "exact"), Exact())
    samples = (Sample("a", "x", target="y"), Sample("b", "x"), Sample("c", "x"))
    suite = Suite("s", (Provider("p", "http://localhost"),), (), samples, ())
    (problem,) = unjudgeable(suite, (exact,))
    assert "rule 'right' cannot judge sample 'b' and 1 more: " in problem.message
    whole = Suite("s", (Provider("p", "http://localhost"),), (), samples[:1], ())
    assert not list(unjudgeable(whole, (exact,)))
