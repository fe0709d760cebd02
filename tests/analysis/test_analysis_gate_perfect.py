"""A suite that is all right shows no spread, and still proves no more than its items can."""

from collections.abc import Sequence

import pytest
from scipy.stats import binom

from stepeval.analysis.gate import Verdict, gate
from stepeval.analysis.gate_metrics import change_of, match
from stepeval.core.baseline import ItemValues

_NOMINAL = 0.05
_ROOM = 0.02  # an interval for few flips is no exact one


def _items(scores: Sequence[tuple[float, ...]]) -> list[ItemValues]:
    return [
        ItemValues(f"{n:05}", f"q{n}", None, each, *((None,) * len(each),) * 3)
        for n, each in enumerate(scores)
    ]


def _is_safe(items: int, runs: int, lost: int, margin: float) -> bool:
    before = _items([(1.0,) * runs] * items)
    now = _items([(0.0,)] * lost + [(1.0,)] * (items - lost))
    return gate([change_of("score", margin, match(before, now))]).verdict is Verdict.SAFE


@pytest.mark.parametrize("runs", [1, 5])
@pytest.mark.parametrize("items", [30, 50, 75, 100, 200])
@pytest.mark.parametrize("margin", [0.02, 0.03, 0.05])
def test_a_drop_of_the_margin_is_seldom_called_safe(runs: int, items: int, margin: float) -> None:
    """Exact, over how many answers such a prompt loses: squares alone let 22% of 30 items pass."""
    chance = sum(
        binom.pmf(lost, items, margin)
        for lost in range(items)
        if _is_safe(items, runs, lost, margin)
    )
    assert chance < _NOMINAL + _ROOM


@pytest.mark.parametrize("runs", [1, 5])
def test_enough_items_without_a_flip_are_safe(runs: int) -> None:
    assert _is_safe(75, runs, 0, 0.05)
    assert not _is_safe(50, runs, 0, 0.05), "0.95 ** 50 is 8%"
