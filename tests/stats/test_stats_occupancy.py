from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.stats.knee import knee
from stepeval.stats.occupancy import occupancy

spans = st.lists(st.tuples(st.integers(-50, 150), st.integers(0, 80)), max_size=30)


@given(spans)
def test_occupancy_is_what_counting_at_every_instant_gives(made: list[tuple[int, int]]) -> None:
    starts, ends = [s for s, _ in made], [s + length for s, length in made]
    open_at = [sum(s <= t < e for s, e in zip(starts, ends, strict=True)) for t in range(100)]
    found = occupancy(starts, ends, 0, 100)
    assert found.mean == pytest.approx(np.mean(open_at))
    assert found.peak == max(open_at)


def test_one_that_ends_as_another_begins_is_not_open_with_it() -> None:
    assert occupancy([0, 10], [10, 20], 0, 20).peak == 1


def test_nothing_is_open_in_no_time() -> None:
    assert occupancy([0], [10], 5, 5).mean == 0.0
    assert occupancy([], [], 0, 10).peak == 0


@pytest.mark.parametrize(
    ("costs", "gains", "place"),
    [
        ([1, 1.1, 1.3, 4, 12], [5, 10, 19, 22, 23], 2),  # a saturating server
        ([1, 2, 3, 4], [10, 20, 30, 40], None),  # straight: no bend to show
        ([1, 2], [1, 2], None),
        ([4, 3, 2], [1, 2, 3], None),  # faster under load: not a knee
        ([1, 2, 3], [3, 3, 3], None),
    ],
)
def test_the_knee_is_the_point_farthest_above_the_chord(
    costs: Sequence[float], gains: Sequence[float], place: int | None
) -> None:
    assert knee(costs, gains) == place


@given(st.floats(0.1, 1000), st.floats(0.1, 1000), st.floats(-100, 100))
def test_the_knee_does_not_depend_on_the_units(a: float, b: float, shift: float) -> None:
    costs, gains = [1, 1.2, 1.5, 6, 14], [5, 10, 19, 22, 23]
    scaled = knee([a * c + shift for c in costs], [b * g - shift for g in gains])
    assert scaled == knee(costs, gains)
