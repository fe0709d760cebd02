"""What an arm's accuracy and score claim to know, however often each item was run."""

from collections.abc import Sequence
from dataclasses import fields

import pytest

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.leaderboard import ArmSummary, leaderboard
from stepeval.core.record import Mode, Outcome
from stepeval.stats.estimate import mean_t, wilson


def summary(*items: Sequence[float]) -> ArmSummary:
    """Of an arm with these scores, one sequence an item; 10 tokens for each point of the score."""
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
