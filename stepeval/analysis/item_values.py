"""A run's answers by arm and sample: what is paired with a baseline, and what becomes one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from math import fsum

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.outcomes import counts_as
from stepeval.core.baseline import ItemValues


@dataclass(slots=True)
class _Values:
    id: str
    scores: list[float | None] = field(default_factory=list)
    e2e_ms: list[float | None] = field(default_factory=list)
    ttft_ms: list[float | None] = field(default_factory=list)
    costs: list[float | None] = field(default_factory=list)


class ItemTally:
    """Adds up rows of :func:`stepeval.analysis.rows.sample_rows`, of one run or of several."""

    def __init__(self) -> None:
        self._arms: dict[str, dict[str, _Values]] = {}

    def add(self, rows: Iterable[SampleRow]) -> None:
        """The rows of a cell stand together: they are its choices, whose mean is its score."""
        for _, group in groupby(rows, lambda row: row.cell_id):
            choices = list(group)
            first = choices[0]
            items = self._arms.setdefault(first.arm, {})
            values = items.setdefault(first.sample_key, _Values(first.sample_id))
            counted = (counts_as(row.outcome, row.score) for row in choices)
            scores = [score for score in counted if score is not None]
            values.scores.append(fsum(scores) / len(scores) if scores else None)
            values.e2e_ms.append(first.e2e_ms)
            values.ttft_ms.append(first.ttft_ms)
            values.costs.append(first.original_cost)

    def cells(self, arms: Iterable[str]) -> int:
        """Of these arms, whatever became of them."""
        items = (item for arm in arms for item in self._arms.get(arm, {}).values())
        return sum(len(item.scores) for item in items)

    def items(self, arm: str, clusters: Mapping[str, str]) -> tuple[ItemValues, ...]:
        """In the order of their keys."""
        return tuple(
            ItemValues(
                key=key,
                id=values.id,
                cluster=clusters.get(key),
                scores=tuple(values.scores),
                e2e_ms=tuple(values.e2e_ms),
                ttft_ms=tuple(values.ttft_ms),
                costs=tuple(values.costs),
            )
            for key, values in sorted(self._arms.get(arm, {}).items())
        )
