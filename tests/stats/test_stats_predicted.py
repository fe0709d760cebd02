import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from stepeval.stats.estimate import mean_t
from stepeval.stats.predicted import predicted_mean

Floats = NDArray[np.float64]


def judged(n: int, more: int, seed: int, agreement: float = 0.85) -> tuple[Floats, Floats, Floats]:
    """People find 70% right. The judge agrees with them so often, and is kinder where it errs."""
    chance = np.random.default_rng(seed)
    truth = (chance.random(n + more) < 0.7).astype(np.float64)
    errs = chance.random(n + more) > agreement
    said = np.where(errs & (chance.random(n + more) < 0.8), 1.0, truth)
    return truth[:n], said[:n], said[n:]


def test_it_covers_what_people_would_say_where_the_judge_alone_does_not() -> None:
    held = fooled = 0
    narrower = []
    for seed in range(800):
        labels, said, rest = judged(80, 800, seed, agreement=0.7)
        found, own = predicted_mean(labels, said, rest), mean_t(labels.tolist())
        alone = mean_t([*said, *rest])
        assert None not in (found.low, found.high, own.low, own.high, alone.low)
        held += found.low <= 0.7 <= found.high  # type: ignore[operator]  # none is None
        fooled += not alone.low <= 0.7 <= alone.high  # type: ignore[operator]
        narrower.append((found.high - found.low) / (own.high - own.low))  # type: ignore[operator]
    assert held / 800 == pytest.approx(0.94, abs=0.02)
    assert fooled / 800 > 0.9
    assert np.mean(narrower) < 0.95


def test_it_is_its_formula() -> None:
    """By hand: for each label w = cov(y, f) / ((1 + n / N) var(f)) of the others."""
    labels, said, rest = judged(50, 500, 1)
    spread = np.var(np.concatenate([said, rest]), ddof=1)
    weights = np.array(
        [np.cov(np.delete(labels, i), np.delete(said, i))[0, 1] / (1.1 * spread) for i in range(50)]
    )
    assert 0 < weights.min() < weights.max() < 1
    left = labels - weights * said + weights * rest.mean()
    judges = weights.mean() ** 2 * np.var(rest, ddof=1) / 500
    found = predicted_mean(labels, said, rest)
    assert found.value == pytest.approx(left.mean())
    assert found.high is not None
    assert found.value is not None
    error = np.sqrt(np.var(left, ddof=1) / 50 + judges)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 49) * error)


def test_a_judge_that_tells_nothing_or_the_opposite_changes_nothing() -> None:
    labels = judged(50, 0, 2)[0]
    own = mean_t(labels.tolist())
    for said in (np.ones(50), 1 - labels):
        found = predicted_mean(labels, said, np.linspace(0, 1, 300))
        assert (found.value, found.low, found.high) == pytest.approx((own.value, own.low, own.high))


def test_a_judge_that_is_always_right_counts_as_labels() -> None:
    """Nearly as good as labels of all 1,050 items."""
    labels, _, _ = judged(50, 0, 3)
    rest = judged(1_000, 0, 4)[0]
    found, everything = predicted_mean(labels, labels, rest), mean_t([*labels, *rest])
    assert found.value == pytest.approx(everything.value, abs=0.01)
    assert found.low is not None
    assert everything.low is not None
    assert everything.value is not None
    assert found.value - found.low == pytest.approx(everything.value - everything.low, rel=0.15)  # type: ignore[operator]  # the value is no None


def test_few_or_no_labels() -> None:
    assert predicted_mean([], [], [1.0]).reason == "no values"
    assert predicted_mean([1.0], [1.0], [1.0, 0.0]).low is None
    labels = [1.0, 0.0] * 14
    own = mean_t(labels)
    for few in (predicted_mean(labels, labels, [1.0] * 99), predicted_mean(labels, labels, [])):
        assert (few.low, few.high, few.method) == (own.low, own.high, "t")
        assert few.reason is not None
        assert "the labels alone" in few.reason
    same = predicted_mean([1.0] * 30, [1.0] * 30, [1.0] * 9)
    assert (same.value, same.low, same.reason) == (1.0, None, "the labels do not differ")


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="infinite or not a number"):
        predicted_mean([1.0], [1.0], [float("nan")])
    with pytest.raises(ValueError, match="both sides"):
        predicted_mean([1.0, 0.0], [1.0], [1.0])
