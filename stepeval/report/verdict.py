"""One careful sentence of what the numbers say, and what to know before believing it."""

from collections.abc import Iterator

from stepeval.analysis import compare_words as words
from stepeval.analysis.compare import Comparison, is_shown_among
from stepeval.analysis.leaderboard import ArmSummary
from stepeval.analysis.retries import reroll_warnings
from stepeval.core.record import Mode, Outcome
from stepeval.report import wording
from stepeval.report.evidence import Evidence, cost_per_request
from stepeval.report.paired_arms import PairedArms
from stepeval.report.view import Verdict

_FEW = 30  # samples of an arm: an interval this wide decides little
_LOST_SHARE = 0.05


def verdict(evidence: Evidence, paired: PairedArms) -> Verdict:
    return Verdict(_sentence(evidence, paired), caveats(evidence, paired))


def caveats(evidence: Evidence, paired: PairedArms) -> tuple[str, ...]:
    return tuple(_caveats(evidence, paired))


def _sentence(evidence: Evidence, paired: PairedArms) -> str:
    judged = [arm for arm in evidence.best_first() if evidence.quality(arm).value is not None]
    if not evidence.rows:
        return "No request has its result yet."
    if not judged:
        return _unjudged(evidence)
    so_far = "" if evidence.is_complete else "So far, "
    best, *others = judged
    said = f"{so_far}{best.arm} {_quality(evidence, best)}"
    if not others:
        price = best.cost_per_correct.value
        spent = "" if price is None else f", at {wording.money(price, best.currency)} each"
        return f"{said}{spent}."
    other = _reference(best, others)
    return f"{said}, {_compared(evidence, paired, paired.compare(other.arm, best.arm))}."


def _unjudged(evidence: Evidence) -> str:
    answered = sum(row.failure is None for row in evidence.rows)
    answers = wording.plural(answered, "answer")
    if not answered:
        return f"All {wording.plural(len(evidence.rows), 'request')} failed; nothing is measured."
    return f"{answers} came back, and none was judged: this run measures speed and cost only."


def _quality(evidence: Evidence, arm: ArmSummary) -> str:
    found = evidence.quality(arm)
    assert found.value is not None
    bounds = wording.percents(found.low, found.high)
    interval = f" ({bounds})" if bounds else ""
    if evidence.graded:
        return f"scores {100 * found.value:.1f} of 100{interval}"
    return f"answers {wording.percent(found.value)} right{interval}"


def _reference(best: ArmSummary, others: list[ArmSummary]) -> ArmSummary:
    """The cheapest other arm; the runner-up where the best is the cheapest or costs are unknown."""
    priced = [(price, arm) for arm in others if (price := cost_per_request(arm)) is not None]
    own = cost_per_request(best)
    if own is None or not priced or best.currency != others[0].currency:
        return others[0]
    price, cheapest = min(priced, key=lambda pair: pair[0])
    return cheapest if price < own else others[0]


def _compared(evidence: Evidence, paired: PairedArms, found: Comparison) -> str:
    """The best arm (B) against the reference (A), on the items that both were judged on."""
    row = (found.row("score") if evidence.graded else None) or found.row("accuracy")
    difference = None if row is None else row.difference.estimate
    if row is None or difference is None or difference.value is None:
        return f"and shares no judged item with {found.a.name}"
    bounds = wording.percents(difference.low, difference.high)
    interval = f" ({bounds})" if bounds else ""
    points = 100 * difference.value
    where = "above" if points > 0 else "below"
    said = f"{abs(points):.1f} points {where} {found.a.name}{interval}"
    if round(points, 1) == 0:
        said = f"level with {found.a.name}{interval}"
    cost = words.times_the_cost(found)
    said += f", at {cost.replace(' the cost', ' its cost')}" if cost else ""
    if is_shown_among(row, paired.pairs):
        return said
    more = words.more_items(found.needed) if found.needed else ""
    if round(points, 1) == 0:
        return f"{said}; {more}" if more else said
    return f"{said}; no difference is shown" + (f": {more}" if more else "")


def _caveats(evidence: Evidence, paired: PairedArms) -> Iterator[str]:
    if evidence.info.mode is Mode.SIMULATED:
        yield "A simulator answered. The numbers show how the harness works, not what a model can."
    if evidence.info.mode is Mode.REPLAY:
        yield "A cassette answered. Times are as they were recorded, and nothing rests on them."
    elif evidence.unfit is not None:
        yield f"{evidence.unfit} So no verdict rests on its times."
    if recalled := sum(arm.from_cache for arm in evidence.arms):
        yield (
            f"{recalled:,} of {wording.plural(evidence.recorded, 'answer')} came from the response "
            "cache: they are in no figure of time, and cost this run nothing."
        )
    if evidence.decided:
        yield (
            "The run was looked at while it went, and could stop at each look. Shares of right "
            "answers have no interval here: one that a good look ended would cover less than it "
            "says."
        )
    if not evidence.is_complete:
        done, total = evidence.recorded, evidence.suite.cell_count
        why = "" if evidence.stopped is None else f" It stopped because {evidence.stopped}."
        yield f"The run is incomplete: {done:,} of {total:,} requests have their result.{why}"
    yield from _about_size(evidence, paired)
    yield from _about_losses(evidence)
    yield from (f"{warning}." for warning in reroll_warnings(evidence.arms))


def _about_size(evidence: Evidence, paired: PairedArms) -> Iterator[str]:
    judged = [arm for arm in evidence.arms if evidence.quality(arm).value is not None]
    if judged and (fewest := min(evidence.quality(arm).n for arm in judged)) < _FEW:
        unit = "judged sample" if all(row.cluster is None for row in evidence.rows) else "cluster"
        yield (f"With {wording.plural(fewest, unit)} in an arm, only large differences can show.")
    if len(judged) > 1 and not evidence.info.may_stop:
        pairs = f", with allowance for {paired.pairs:,} pairs of arms" if paired.pairs > 1 else ""
        yield f"Intervals are 95%. Differences are paired item by item{pairs}."


def _about_losses(evidence: Evidence) -> Iterator[str]:
    for arm in evidence.arms:
        for outcome, what in (
            (Outcome.FAILED, "failed and count neither way"),
            (Outcome.NO_ANSWER, "ended at the length limit without an answer"),
            (Outcome.UNSCORED, "could not be judged and count neither way"),
        ):
            lost = arm.outcomes.get(outcome, 0)
            if outcome is Outcome.UNSCORED and not evidence.suite.scoring:
                continue
            if arm.n and lost / arm.n >= _LOST_SHARE:
                yield f"{arm.arm}: {wording.percent(lost / arm.n)} of {arm.n:,} answers {what}."
