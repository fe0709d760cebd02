"""How many items it takes to show a difference, from stored runs or from a share of flips."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stepeval.analysis.compare import ACCURACY, Comparison, Row
from stepeval.analysis.needed import Needed, needed, needed_for_flips
from stepeval.api.compare import compare_runs
from stepeval.core.errors import UsageError

TARGETS = (0.01, 0.02, 0.03, 0.05, 0.10)


@dataclass(frozen=True, slots=True)
class PowerPlan:
    """``rows`` are one a target. ``item_cost``: what one item costs, asked of both arms.

    ``title`` names the arms whose answers the spread is from; empty where it was given.
    """

    title: str
    metric: str
    rows: tuple[Needed, ...]
    item_cost: float | None = None
    currency: str | None = None


def plan_runs(names: Sequence[str], folder: Path, targets: Sequence[float]) -> list[PowerPlan]:
    """One for each pair of arms that :func:`compare_runs` compares, and raises as it does."""
    compared = compare_runs(names, folder, texts=False)
    plans = [_plan(one, one.quality, targets) for one in compared.comparisons if one.quality]
    known = [plan for plan in plans if plan.rows]
    if not known:
        raise UsageError(
            "fewer than two items are judged in both arms, or no two answers differ: there is no "
            "spread to plan with; give one as --flip-rate"
        )
    return known


def plan_flips(share: float, targets: Sequence[float]) -> list[PowerPlan]:
    """``share``: of the items, those that one arm has right and the other wrong."""
    return [PowerPlan("", ACCURACY.key, tuple(needed_for_flips(share, t, 0) for t in targets))]


def _plan(one: Comparison, quality: Row, targets: Sequence[float]) -> PowerPlan:
    column = "correct" if quality.metric is ACCURACY else "score"
    rows = [found for target in targets if (found := needed(one.pairs, column, target))]
    (cost,) = one.pairs.both("cost")
    is_known = len(cost) and one.a.values.currency == one.b.values.currency
    runs = len(one.pairs.keys) / one.pairs.items if one.pairs.items else 1
    each = float((cost.a + cost.b).mean()) * runs if is_known else None
    title = f"{one.b.name} over {one.a.name}"
    return PowerPlan(title, quality.metric.key, tuple(rows), each, one.a.values.currency)
