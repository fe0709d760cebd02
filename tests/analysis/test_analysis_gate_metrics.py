"""A baseline's items and a run's become the changes that a gate judges: paired, nothing else."""

import math
import random
from collections.abc import Sequence

import pytest

from stepeval.analysis.gate import GateVerdict, Scale, Verdict, gate
from stepeval.analysis.gate_metrics import DEFAULT_MARGINS, change_of, match
from stepeval.analysis.gated import margins_of
from stepeval.core.baseline import ItemValues
from stepeval.core.errors import UnknownName


def item(
    key: str,
    scores: Sequence[float | None],
    *,
    ms: Sequence[float | None] | None = None,
    costs: Sequence[float | None] | None = None,
    cluster: str | None = None,
    name: str = "",
) -> ItemValues:
    times = tuple(ms or [100.0] * len(scores))
    paid = tuple(costs or [0.01] * len(scores))
    return ItemValues(key, name or key, cluster, tuple(scores), times, times, paid)


def test_items_meet_by_content_and_the_rest_is_counted() -> None:
    before = [item("a", [1]), item("b", [1], name="same"), item("c", [0])]
    now = [item("c", [1]), item("a", [0]), item("d", [1], name="same")]
    found = match(before, now)
    assert [(old.key, new.key) for old, new in found.pairs] == [("a", "a"), ("c", "c")]
    assert (found.only_before, found.only_now, found.changed) == (1, 1, 1)


def test_right_and_wrong_once_each_is_a_difference_of_proportions() -> None:
    """B = 3 lost, c = 12 won of 100: the reference of the statistics' own tests."""
    before = [item(f"{n:03}", [float(n < 3 or n >= 15)]) for n in range(100)]
    now = [item(f"{n:03}", [float(n >= 3)]) for n in range(100)]
    found = change_of("score", 0.05, match(before, now))
    assert found.estimate.value == pytest.approx(0.088235, abs=1e-6)
    assert found.p == pytest.approx(0.02127075)
    assert (found.items, found.tolerance.scale) == (100, Scale.POINTS)


def test_an_unchanged_run_of_many_items_is_safe_although_nothing_varies() -> None:
    """No flip among 200 items bounds the drop; it does not leave it unknown."""
    for scores in ([1.0], [1.0, 0.0], [0.5]):
        items = [item(f"{n:03}", scores) for n in range(200)]
        found = gate([change_of("score", 0.05, match(items, items))])
        assert found.verdict is Verdict.SAFE, scores


def test_everything_lost_is_regressed() -> None:
    before = [item(f"{n:02}", [1.0]) for n in range(30)]
    now = [item(f"{n:02}", [0.0]) for n in range(30)]
    assert gate([change_of("score", 0.05, match(before, now))]).verdict is Verdict.REGRESSED
    repeated = [item(f"{n:02}", [0.0, 0.0, 1.0 * (n < 2)]) for n in range(30)]
    assert gate([change_of("score", 0.05, match(before, repeated))]).verdict is Verdict.REGRESSED


def test_a_failed_request_is_no_wrong_answer() -> None:
    before = [item(f"{n:02}", [1.0, 1.0, None]) for n in range(60)]
    now = [item(f"{n:02}", [1.0] if n % 3 else [None]) for n in range(60)]
    found = change_of("score", 0.05, match(before, now))
    assert found.items == 40
    assert found.estimate.value == pytest.approx(0.0)


def test_clusters_widen_the_interval() -> None:
    chance = random.Random(3)
    flips = [chance.choice((-1.0, 0.0, 0.0, 0.0)) for _ in range(20)]
    widths = []
    for clustered in (False, True):
        before, now = [], []
        for n in range(200):
            name = f"c{n // 10}" if clustered else None
            before.append(item(f"{n:03}", [1.0, 1.0], cluster=name))
            now.append(item(f"{n:03}", [1.0 + flips[n // 10]], cluster=name))
        found = change_of("score", 0.05, match(before, now)).estimate
        assert found.low is not None
        assert found.high is not None
        widths.append(found.high - found.low)
    assert widths[1] > 2 * widths[0]


def test_a_ratio_is_of_geometric_means_item_by_item() -> None:
    chance = random.Random(5)
    before, now = [], []
    for n in range(80):
        base = 100 * math.exp(chance.gauss(0, 1))
        before.append(item(f"{n:02}", [1, 1], ms=[base, base * 4], costs=[1, 3]))
        slower = 2 * base * 1.3 * math.exp(chance.gauss(0, 0.1))
        now.append(item(f"{n:02}", [1], ms=[slower], costs=[2.5]))
    matched = match(before, now)
    latency = change_of("latency_typical", 1.2, matched)
    assert latency.estimate.value == pytest.approx(1.3, rel=0.05)
    assert latency.tolerance.scale is Scale.RATIO
    assert gate([latency]).verdict is Verdict.REGRESSED
    cost = change_of("cost", 1.5, matched)
    assert cost.estimate.value == pytest.approx(2.5 / math.sqrt(3), rel=0.01)


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.0, Verdict.SAFE), (1.05, Verdict.SAFE), (1.3, Verdict.REGRESSED), (0.5, Verdict.SAFE)],
)
def test_the_same_ratio_everywhere_is_judged_by_itself(ratio: float, verdict: Verdict) -> None:
    """The same answers cost the same: no spread is no lack of knowledge."""
    before = [item(f"{n:02}", [1], costs=[0.001 * (n + 1)]) for n in range(30)]
    now = [item(f"{n:02}", [1], costs=[0.001 * (n + 1) * ratio]) for n in range(30)]
    found = gate([change_of("cost", 1.1, match(before, now))])
    assert found.verdict is verdict
    assert found.metrics[0].small_drop is (1 < ratio < 1.1)


def test_a_slower_tail_shows_in_the_percentile_alone() -> None:
    before = [item(f"{n:03}", [1], ms=[100 + n % 7]) for n in range(300)]
    now = [
        item(f"{n:03}", [1], ms=[(100 + n % 7) * (3 if n % 12 == 0 else 0.95)]) for n in range(300)
    ]
    found = gate(
        [change_of(name, 1.2, match(before, now)) for name in ("latency_typical", "latency_p95")]
    )
    typical, tail = found.metrics
    assert typical.verdict is Verdict.SAFE
    assert tail.verdict is Verdict.REGRESSED


def test_too_few_for_a_percentile_are_told_so() -> None:
    items = [item(f"{n:02}", [1]) for n in range(40)]
    found = change_of("latency_p95", 1.2, match(items, items))
    assert found.estimate.value is None
    assert "n too small" in str(found.estimate.reason)
    assert gate([found]).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("metric", DEFAULT_MARGINS)
def test_nothing_in_common_decides_nothing(metric: str) -> None:
    found = change_of(metric, DEFAULT_MARGINS[metric], match([item("a", [1])], [item("b", [1])]))
    assert found.estimate.value is None
    assert found.estimate.reason
    assert gate([found]).verdict is Verdict.INCONCLUSIVE


def test_a_group_is_its_metrics() -> None:
    assert margins_of({"latency": 1.5, "score": None}) == {
        "latency_typical": 1.5,
        "latency_p95": 1.5,
        "score": 0.05,
    }
    with pytest.raises(UnknownName, match="did you mean 'latency'"):
        margins_of({"latncy": None})


def test_failed_requests_cannot_make_a_run_safe() -> None:
    """What failed is not right and not wrong: too much of it could hide a drop of the margin."""
    before = [item(f"{n:03}", [1.0]) for n in range(200)]

    def judged(failed: int) -> GateVerdict:
        now = [item(f"{n:03}", [None if n < failed else 1.0]) for n in range(200)]
        return gate([change_of("score", 0.05, match(before, now))])

    few, many = judged(8), judged(12)
    assert few.verdict is Verdict.SAFE
    assert few.metrics[0].change.lacking == pytest.approx(0.04)
    assert many.verdict is Verdict.INCONCLUSIVE
    assert many.metrics[0].change.lacking == pytest.approx(0.06)


def test_failed_epochs_count_by_their_share_of_the_item() -> None:
    before = [item(f"{n:03}", [1.0] * 4) for n in range(200)]
    now = [item(f"{n:03}", [1.0, 1.0, 1.0, None]) for n in range(200)]
    found = change_of("score", 0.05, match(before, now))
    assert found.lacking == pytest.approx(0.25)
    assert gate([found]).verdict is Verdict.INCONCLUSIVE


def test_answers_that_never_came_are_no_evidence_of_speed() -> None:
    """A request that timed out has no latency, and a slower service has more of them."""
    jitter = random.Random(3)
    before = [item(f"{n:03}", [1.0], ms=[jitter.uniform(90, 110)]) for n in range(200)]
    now = [
        item(old.key, [1.0], ms=[None if n < 20 else old.e2e_ms[0]]) for n, old in enumerate(before)
    ]
    for metric in ("latency_typical", "latency_p95"):
        assert gate([change_of(metric, 1.2, match(before, now))]).verdict is Verdict.INCONCLUSIVE


def test_many_failures_do_not_excuse_a_drop_that_is_shown_without_them() -> None:
    before = [item(f"{n:03}", [1.0]) for n in range(200)]
    now = [item(f"{n:03}", [None if n < 60 else float(n % 2)]) for n in range(200)]
    assert gate([change_of("score", 0.05, match(before, now))]).verdict is Verdict.REGRESSED
