"""Repeated runs of an item, by hand."""

import pytest
from compared_rows import row, sample_of, values

from stepeval.analysis.flakiness import Flakiness, flakiness
from stepeval.stats.estimate import wilson


def flaky(*rights: tuple[int, int], clusters: dict[str, str] | None = None) -> Flakiness | None:
    """Items by (right, runs)."""
    rows = [
        row(f"s{item}", float(epoch < right), epoch=epoch)
        for item, (right, runs) in enumerate(rights)
        for epoch in range(runs)
    ]
    return flakiness(values(rows), clusters)


def test_several_tries_are_the_unbiased_estimates() -> None:
    """Of 4 runs 2 are right: pass@2 = 1 - 1/6, pass^2 = 1/6, and a majority of 2 with ties 1/2."""
    found = flaky((2, 4), (4, 4), (0, 4))
    assert found is not None
    one, two, three, four = found.tries
    assert [tries.k for tries in found.tries] == [1, 2, 3, 4]
    assert one.any_right.value == one.all_right.value == pytest.approx(0.5)
    assert two.any_right.value == pytest.approx((5 / 6 + 1 + 0) / 3)
    assert two.all_right.value == pytest.approx((1 / 6 + 1 + 0) / 3)
    assert two.majority.value == pytest.approx(0.5)
    assert three.all_right.value == pytest.approx(1 / 3)
    assert four.any_right == wilson(2, 3)
    assert four.all_right == wilson(1, 3)


def test_items_that_flip_are_listed_the_least_settled_first() -> None:
    found = flaky((3, 4), (4, 4), (2, 4), (0, 4), (1, 4))
    assert found is not None
    assert [item.sample_id for item in found.flipping] == ["s2", "s0", "s4"]
    assert found.stable == wilson(2, 5)


def test_items_with_fewer_runs_that_count_tell_stability_but_no_tries() -> None:
    rows = [row("s", epoch=0), row("s", epoch=1), row("t", epoch=0), row("t", None, epoch=1)]
    found = flakiness(values(rows))
    assert found is not None
    assert (found.items, found.whole, found.runs) == (1, 1, 2)
    mixed = flaky((1, 2), (3, 3))
    assert mixed is not None
    assert (mixed.items, mixed.whole, mixed.runs) == (2, 1, 3)


def test_one_run_an_item_says_nothing_of_flakiness() -> None:
    assert flaky((1, 1), (0, 1)) is None


def test_items_that_agree_on_a_part_claim_no_certainty() -> None:
    found = flaky((1, 2), (1, 2), (1, 2))
    assert found is not None
    assert found.tries[0].any_right.value == 0.5
    assert found.tries[0].any_right.low is None


def test_related_items_are_fewer() -> None:
    clusters = {sample_of(f"s{n}").key: f"c{n // 2}" for n in range(6)}
    found = flaky(*[(n % 3, 2) for n in range(6)], clusters=clusters)
    assert found is not None
    assert found.stable.n == 3
