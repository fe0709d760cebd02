"""How a choice ended, and its score over all rules. Pure."""

from collections.abc import Iterable, Mapping

from stepeval.core.chat import Choice, Failure, FailureKind, Response
from stepeval.core.record import Outcome, ScoreRow
from stepeval.core.task import Sample, ScoringRule, metadata_matches

_ALL_RIGHT = 1.0 - 1e-9  # a weighted mean of ones may miss 1 by rounding
_UNAVAILABLE = 451  # "for legal reasons": what moderation answers with

# Accuracy is correct / all but these: they say nothing about the model's answer.
NOT_COUNTED = frozenset({Outcome.FAILED, Outcome.UNSCORED, Outcome.SKIPPED})


def sample_score(
    rules: Iterable[ScoringRule], sample: Sample, scores: Mapping[str, ScoreRow]
) -> float | None:
    """``sum(weight * value) / sum(weight)`` over the rules that concern the sample.

    ``scores`` are one choice's, by rule. Rules of weight 0 are only shown. None without a rule,
    or where a rule's score is missing or could not be judged.
    """
    total = weights = 0.0
    for rule in rules:
        if rule.weight <= 0 or not metadata_matches(rule.where, sample.metadata):
            continue
        row = scores.get(rule.id)
        if row is None or row.score.value is None:
            return None
        total += rule.weight * row.score.value
        weights += rule.weight
    return total / weights if weights else None


def outcome_of(result: Response | Failure, choice: Choice | None, score: float | None) -> Outcome:
    """``choice`` is None for a Failure, and for a Response that has none."""
    if isinstance(result, Failure):
        moderated = result.kind is FailureKind.MODERATION or result.status == _UNAVAILABLE
        return Outcome.FILTERED if moderated else Outcome.FAILED
    if choice is None:
        return Outcome.FAILED
    if choice.finish_reason == "content_filter":
        return Outcome.FILTERED
    if choice.finish_reason == "length" and not choice.text and not choice.tool_calls:
        return Outcome.NO_ANSWER
    if score is None:
        return Outcome.UNSCORED
    return Outcome.CORRECT if score >= _ALL_RIGHT else Outcome.INCORRECT


def counts_as(outcome: Outcome, score: float | None) -> float | None:
    """The score an outcome enters a mean with; None: it does not enter.

    An answer that was lost or withheld is worth nothing, whatever a rule said of the empty text.
    """
    if outcome in NOT_COUNTED:
        return None
    return score if outcome in (Outcome.CORRECT, Outcome.INCORRECT) else 0.0
