import pytest

from stepeval.cli.tables import _COLUMNS, _GAP, _LEAST_NEEDED_FIRST, _columns_that_fit

ROW = (
    *("reasoning_effort=medium", "126", "45.2% (36.8 to 53.9)", "69 incorrect", "109", "131"),
    *("142", "171", "45", "4", "0.0102 USD", "0.000178"),
)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_figures_are_left_out_whole_and_never_cut(width: int) -> None:
    shown = _columns_that_fit([ROW], width)
    used = sum(max(len(_COLUMNS[n][0]), len(ROW[n])) for n in shown) + _GAP * (len(shown) - 1)
    assert used <= width
    assert {0, 1, 2} <= set(shown)  # an arm without its n and interval says nothing


def test_a_wide_window_shows_everything() -> None:
    assert len(_columns_that_fit([ROW], 300)) == len(_COLUMNS)
    assert set(_LEAST_NEEDED_FIRST) == set(range(3, len(_COLUMNS)))
