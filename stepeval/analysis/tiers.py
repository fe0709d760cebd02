"""What more reasoning buys: adjacent tiers of reasoning_effort, everything else the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stepeval.analysis.compare import CONFIDENCE, MOST_RESAMPLED, Comparison
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.pairing import Pairs, cluster_names, pair
from stepeval.core.identity import canonical
from stepeval.core.models import efforts
from stepeval.core.task import Arm
from stepeval.stats.estimate import Estimate
from stepeval.stats.extra_cost import cost_per_extra_correct
from stepeval.stats.pareto import front_shares

EFFORT = "reasoning_effort"


@dataclass(frozen=True, slots=True)
class TierStep:
    """From one tier (A) to the next (B). ``extra_cost``: of one more correct answer."""

    comparison: Comparison
    extra_cost: Estimate


@dataclass(frozen=True, slots=True)
class Ladder:
    """Tiers that differ in nothing else, the least reasoning first.

    ``on_front``: by arm, the share of resamples of the items in which no other tier is both
    cheaper and better. Empty where costs or answers are not known, or items are very many.
    """

    steps: tuple[TierStep, ...]
    on_front: Mapping[str, float]

    @property
    def arms(self) -> tuple[str, ...]:
        first = self.steps[0].comparison.a.name
        return (first, *(step.comparison.b.name for step in self.steps))


def ladders(arms: Sequence[Arm]) -> tuple[tuple[Arm, ...], ...]:
    """Arms that differ in reasoning_effort alone, at least two of them, each group in its order.

    A value that nobody knows the place of has none; such arms are left out.
    """
    order = {effort: place for place, effort in enumerate(efforts())}
    groups: dict[str, list[Arm]] = {}
    for arm in arms:
        effort = arm.params.get(EFFORT)
        if isinstance(effort, str) and effort in order:
            rest = {name: value for name, value in arm.params.items() if name != EFFORT}
            shared = canonical([arm.provider, arm.model, arm.prompt, rest])
            groups.setdefault(shared, []).append(arm)
    return tuple(
        tuple(sorted(group, key=lambda arm: order[arm.params[EFFORT]]))
        for group in groups.values()
        if len({arm.params[EFFORT] for arm in group}) == len(group) > 1
    )


def ladder(comparisons: Sequence[Comparison]) -> Ladder:
    """``comparisons`` are of adjacent tiers, upwards."""
    steps = tuple(TierStep(c, extra_cost(c)) for c in comparisons)
    sides = [comparisons[0].a, *(c.b for c in comparisons)]
    return Ladder(steps, _front_shares(sides))


def extra_cost(comparison: Comparison) -> Estimate:
    """Of one more correct answer, when B is taken instead of A."""
    reason = _unpriced(comparison)
    if reason is not None:
        return Estimate(None, None, None, 0, "fieller", reason)
    cost, correct = comparison.pairs.both("cost", "correct")
    return cost_per_extra_correct(cost.b - cost.a, correct.b - correct.a, cost.clusters, CONFIDENCE)


def _unpriced(comparison: Comparison) -> str | None:
    """Why an extra answer has no price."""
    currencies = {side.values.currency for side in (comparison.a, comparison.b)}
    if comparison.quality is None:
        return "not judged"
    if None in currencies:
        return "the cost is not known of both"
    return "two currencies" if len(currencies) > 1 else None


def _front_shares(sides: Sequence[ComparedArm]) -> dict[str, float]:
    if len({side.values.currency for side in sides}) != 1 or not all(
        side.suite.scoring for side in sides
    ):
        return {}
    clusters = cluster_names(*{id(side.suite): side.suite for side in sides}.values())
    pairs = [pair(sides[0].values, side.values, clusters) for side in sides]
    known = [_cost_and_gain(found) for found in pairs]
    items = [key for key in known[0] if all(key in others for others in known)]
    if not 1 < len(items) <= MOST_RESAMPLED:  # one item has no resamples
        return {}
    costs, gains = (
        np.array([[column[key][part] for column in known] for key in items]) for part in (0, 1)
    )
    names = [clusters.get(key, f"={key}") for key in items] if clusters else None
    shares = front_shares(costs, gains, names)
    return {side.name: share for side, share in zip(sides, shares, strict=True)}


def _cost_and_gain(pairs: Pairs) -> dict[str, tuple[float, float]]:
    """Of B, by sample: what an answer costs, and the share of right ones."""
    costs = {item.sample_key: item.b_scores for item in pairs.paired_items("cost")}
    return {
        item.sample_key: (float(np.mean(costs[item.sample_key])), float(np.mean(item.b_scores)))
        for item in pairs.paired_items("correct")
        if item.sample_key in costs
    }
