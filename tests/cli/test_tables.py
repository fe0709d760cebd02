import pytest

from stepeval.cli.fitted import EDGES, GAP, columns_that_fit
from stepeval.cli.tables import _COLUMNS, _LEAST_NEEDED_FIRST

ROW = (
    *("reasoning_effort=medium", "126", "45.2% (36.8 to 53.9)", "69 incorrect", "109", "131"),
    *("142", "171", "45", "4", "0.0102 USD", "0.000178"),
)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_figures_are_left_out_whole_and_never_cut(width: int) -> None:
    shown = columns_that_fit(_COLUMNS, [ROW], _LEAST_NEEDED_FIRST, width)
    used = sum(max(len(_COLUMNS[n][0]), len(ROW[n])) for n in shown) + GAP * (len(shown) - 1)
    assert used + EDGES <= width
    assert {0, 1, 2} <= set(shown)  # an arm without its n and interval says nothing


def test_a_wide_window_shows_everything() -> None:
    assert len(columns_that_fit(_COLUMNS, [ROW], _LEAST_NEEDED_FIRST, 300)) == len(_COLUMNS)
    assert set(_LEAST_NEEDED_FIRST) == set(range(3, len(_COLUMNS)))
