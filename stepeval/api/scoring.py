"""Stored responses become scores. No request is made, so it can be done again at will."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from stepeval.api.builtin import SCORERS
from stepeval.core.chat import Choice, Response
from stepeval.core.errors import Problem, UsageError
from stepeval.core.ports import Scorer
from stepeval.core.record import Record, Score, ScoreRow
from stepeval.core.task import Sample, ScoringRule, Suite, metadata_matches
from stepeval.scorers.user_code import load_user_scorer

_ANY_ANSWER = Choice(0, "0")


@dataclass(frozen=True, slots=True)
class BoundRule:
    rule: ScoringRule
    scorer: Scorer


def bind_rules(suite: Suite, *, allow_code: bool) -> tuple[BoundRule, ...]:
    """Rules with their scorers ready to be called.

    Raises:
        UsageError: A rule names the suite owner's own code and ``allow_code`` is not set, or
            that code cannot be loaded.
    """
    return tuple(BoundRule(rule, _scorer(rule, suite, allow_code)) for rule in suite.scoring)


def is_user_code(rule: ScoringRule) -> bool:
    return ".py:" in rule.scorer


def unjudgeable(suite: Suite, rules: tuple[BoundRule, ...]) -> Iterator[Problem]:
    """A warning per rule that cannot judge some sample, whatever is answered: it has no target."""
    for bound in rules:
        mute = [s for s in suite.samples if _applies(bound, s) and not _can_judge(bound, s)]
        if mute:
            others = f" and {len(mute) - 1} more" if len(mute) > 1 else ""
            reason = bound.scorer(mute[0], _ANY_ANSWER).explanation
            sample = f"sample {mute[0].id!r}{others}"
            yield Problem(f"rule {bound.rule.id!r} cannot judge {sample}: {reason}", suite.source)


def _applies(bound: BoundRule, sample: Sample) -> bool:
    return metadata_matches(bound.rule.where, sample.metadata)


def _can_judge(bound: BoundRule, sample: Sample) -> bool:
    # Only a built-in scorer's silence means the sample; a suite's own code may want its answer.
    return is_user_code(bound.rule) or bound.scorer(sample, _ANY_ANSWER).value is not None


def _scorer(rule: ScoringRule, suite: Suite, allow_code: bool) -> Scorer:
    if not is_user_code(rule):
        scorer: Scorer = SCORERS[rule.scorer](**rule.options)
        return scorer
    if not allow_code:
        raise UsageError(
            f"scoring rule {rule.id!r} runs Python code of the suite ({rule.scorer}); "
            "read it, then allow it with --allow-scorer-code"
        )
    file, _, name = rule.scorer.rpartition(":")
    folder = Path(suite.source).parent if suite.source else Path()
    return load_user_scorer(folder / file, name, rule.options)


def score_records(records: Iterable[Record], rules: tuple[BoundRule, ...]) -> Iterator[ScoreRow]:
    """A row per response choice and rule that applies to its sample; failures have none."""
    for record in records:
        if isinstance(record.result, Response):
            yield from _score_response(record, record.result, rules)


def _score_response(
    record: Record, response: Response, rules: tuple[BoundRule, ...]
) -> Iterator[ScoreRow]:
    sample = record.cell.sample
    for bound in rules:
        if not _applies(bound, sample):
            continue
        for choice in response.choices:
            score = _negated(bound.scorer(sample, choice), bound.rule)
            row = replace(score, scorer=bound.rule.scorer)
            yield ScoreRow(record.cell.id, choice.index, bound.rule.id, row)


def _negated(score: Score, rule: ScoringRule) -> Score:
    """``not: true`` turns right and wrong around; what could not be judged stays unjudged."""
    if not rule.negate or score.value is None:
        return score
    return replace(score, value=1.0 - score.value)
