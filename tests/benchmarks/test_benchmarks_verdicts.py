"""The worlds in which verdicts are measured are what they say, and the bars are all there."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks import verdicts
from benchmarks.bars import Bar
from benchmarks.false_alarms import alarms
from benchmarks.gate_trials import fixed, least_calls
from benchmarks.worlds import World, runs


@pytest.mark.parametrize("correlation", [0.67, 0.4])
@pytest.mark.parametrize("clustered", [False, True])
def test_two_runs_correlate_as_they_should(*, correlation: float, clustered: bool) -> None:
    world = World(items=60_000, correlation=correlation, has_clusters=clustered)
    chance = np.random.default_rng(1)
    chances = world.chances(chance)
    first, second = runs(chances, 2, chance).T
    assert first.mean() == pytest.approx(0.8, abs=0.01)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(correlation, abs=0.02)
    assert world.worse(chances, 0.05).mean() == pytest.approx(0.75, abs=0.01)
    one, another = chances.reshape(-1, 5)[:, :2].T
    assert bool(np.corrcoef(one, another)[0, 1] > 0.3) is clustered


def test_the_references_are_what_theory_says() -> None:
    """Wald's least for a residual of 0.0624; a fixed gate's power from its error."""
    assert least_calls(World()) == pytest.approx(132, abs=4)
    assert fixed(World(), 0.05, 200, repeats=1).regressed == pytest.approx(0.88, abs=0.07)


def test_a_plain_threshold_flakes_and_the_gate_does_not() -> None:
    found = alarms(60, 40, 1)
    assert found.gate <= 0.07
    assert found.plain > found.gate
    assert alarms(20, 5, 5, drop=0.1).gate > 0.95


def test_every_bar_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "_QUICK", 4)
    found = list(_bars())
    assert len({bar.name for bar in found}) == len(found) > 40
    assert all(bar.reference for bar in found)


def _bars() -> Iterator[Bar]:
    return verdicts.bars(quick=True)
