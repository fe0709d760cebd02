"""What an arm's accuracy and score claim to know, however often each item was run."""

from collections.abc import Sequence
from dataclasses import fields

import pytest

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.leaderboard import ArmSummary, leaderboard
from stepeval.core.record import Mode, Outcome
from stepeval.stats.bootstrap import bca, weighted_ratio
from stepeval.stats.estimate import clustered_mean, mean_t, ratio, wilson


def summary(
    *items: Sequence[float], clusters: Sequence[str | None] = (), costs: Sequence[float] = ()
) -> ArmSummary:
    """Of an arm with these scores, one sequence an item; 10 tokens for each point of the score.

    ``clusters`` and ``costs`` (of each request) are the items', where there are some.
    """
    rows = []
    for item, scores in enumerate(items):
        for epoch, score in enumerate(scores):
            known = {
                "arm": "a",
                "mode": Mode.LIVE,
                "cell_id": f"{item}-{epoch}",
                "sample_key": str(item),
                "epoch": epoch,
                "attempts": 1,
                "from_cache": False,
                "outcome": Outcome.CORRECT if score == 1 else Outcome.INCORRECT,
                "correct": score == 1,
                "score": score,
                "output_tokens": round(10 * score),
                "cluster": clusters[item] if clusters else None,
                "cost": costs[item] if costs else None,
                "original_cost": costs[item] if costs else None,
            }
            rows.append(SampleRow(**{c.name: known.get(c.name) for c in fields(SampleRow)}))  # type: ignore[arg-type]  # a row of only what the test concerns
    (arm,) = leaderboard(rows)
    return arm


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("runs", [(3, 3, 3, 3, 3), (3, 1, 2), (4,)])
def test_runs_that_all_agree_are_no_certainty(value: float, runs: tuple[int, ...]) -> None:
    """Five of five items right in all of their runs tell as much as five answers, no more."""
    arm = summary(*([value] * count for count in runs))
    expected = wilson(len(runs) * int(value), len(runs))
    assert arm.accuracy == arm.score == expected
    assert arm.accuracy.low != arm.accuracy.high


@pytest.mark.parametrize(
    "items", [((0.6,), (0.6,), (0.6,)), ((0.1, 0.1, 0.1), (0.1,)), ((0.0, 1.0), (1.0, 0.0))]
)
def test_items_that_agree_on_a_part_have_no_interval_but_a_reason(
    items: tuple[tuple[float, ...], ...],
) -> None:
    """Rounding in the sums of 0.1 makes no spread."""
    found = summary(*items).score
    assert found.value == pytest.approx(sum(items[0]) / len(items[0]))
    assert (found.low, found.high, found.n) == (None, None, len(items))
    assert found.reason == "the items do not differ"


def test_an_interrupted_run_shows_the_share_that_its_counts_tell() -> None:
    """Items run less often do not weigh more: 8 of 13, where the mean of item means is 0.6875."""
    arm = summary([1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1], [1])
    assert arm.outcomes[Outcome.CORRECT] == 8
    assert arm.accuracy.value == arm.score.value == pytest.approx(8 / 13)
    assert arm.accuracy.n == 4
    assert arm.accuracy.low is not None
    assert arm.accuracy.low < 8 / 13
    assert arm.output_tokens.value == pytest.approx(80 / 13)


def test_a_balanced_run_has_the_interval_of_its_item_means() -> None:
    found = summary([1, 0.5], [0.5, 0.5], [0.75, 0.25], [0.5, 1]).score
    means = mean_t([0.75, 0.5, 0.5, 0.75])
    assert (found.value, found.low, found.high) == pytest.approx(
        (means.value, means.low, means.high)
    )


def test_one_item_with_mixed_runs_has_no_interval() -> None:
    found = summary([1, 0]).accuracy
    assert (found.value, found.low, found.reason) == (
        0.5,
        None,
        "one item or cluster has no spread",
    )


def test_samples_of_one_cluster_are_no_independent_evidence() -> None:
    """1 1 1 0 0 0 1 1 0 1 1 0 in clusters of 3, whose standard error is 0.209718 (CR1)."""
    right = [1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0]
    arm = summary(*([r] for r in right), clusters=[name for name in "abcd" for _ in range(3)])
    expected = clustered_mean([3, 0, 2, 2], [3, 3, 3, 3])
    assert arm.accuracy.value == pytest.approx(7 / 12)
    assert arm.accuracy.n == arm.score.n == 4
    assert arm.accuracy.low == arm.score.low == max(0, expected.low or 0)
    assert arm.output_tokens.high == pytest.approx(10 * (expected.high or 0))
    alone = summary(*([r] for r in right)).accuracy
    assert alone == wilson(7, 12)


def test_epochs_and_clusters_are_one_clustering() -> None:
    """The cluster holds its items' runs; a sample without one, named alike, stands for itself."""
    arm = summary([1, 0], [1, 1], [0, 0, 1], [1], clusters=["x", "x", None, "2"])
    expected = clustered_mean([3, 1, 1], [4, 3, 1])
    assert arm.accuracy.value == expected.value
    assert arm.accuracy.n == 3


def test_clusters_that_are_all_right_are_as_many_items() -> None:
    arm = summary(*[[1.0]] * 12, clusters=["a", "b", "c"] * 4)
    assert arm.accuracy == wilson(3, 3)
    one = summary([1.0], [0.0], clusters=["a", "a"]).accuracy
    assert (one.value, one.low, one.reason) == (0.5, None, "one item or cluster has no spread")


@pytest.mark.parametrize("n", [7, 30])
def test_the_cost_of_a_correct_answer_is_fiellers(n: int) -> None:
    right, costs = [1.0, 0.0, 1.0] * 10, [1.0, 2.5, 1.5] * 10
    found = summary(*([r] for r in right[:n]), costs=costs[:n]).cost_per_correct
    assert found == ratio(costs[:n], right[:n])


@pytest.mark.parametrize("n", [8, 29])
def test_of_few_items_it_is_resampled(n: int) -> None:
    """Whose sums are not yet normal. Epochs of an item, or items of a cluster, are drawn whole."""
    right, costs = [1.0, 0.0, 1.0] * 10, [1.0, 2.5, 1.5] * 10
    expected = bca(weighted_ratio, (costs[:n], right[:n]), expanded=True)
    found = summary(*([r] for r in right[:n]), costs=costs[:n]).cost_per_correct
    assert found == expected
    assert found.method == "bca"
    doubled = [item for item in range(n) for _ in range(2)]
    paired = summary(
        *([right[item]] for item in doubled),
        costs=[costs[item] for item in doubled],
        clusters=[f"c{item}" for item in doubled],
    ).cost_per_correct
    assert paired.low == pytest.approx(found.low)
    assert paired.high == pytest.approx(found.high)
    assert paired.n == n


def test_of_few_items_without_a_right_one_there_is_still_no_price() -> None:
    found = summary(*[[0.0]] * 12, costs=[1.0] * 12).cost_per_correct
    assert (found.value, found.reason) == (None, "no correct answer")
