"""A table in a window of any width shows figures whole, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stepeval.cli import fitted

COLUMNS: tuple[fitted.Column, ...] = (("arm", "left"), ("n", "right"), ("share", "left"))
words = st.text("0123456789.%", min_size=1, max_size=18)


@given(st.lists(st.tuples(words, words, words), min_size=1, max_size=4), st.integers(40, 70))
def test_no_figure_is_cut(rows: list[tuple[str, str, str]], width: int) -> None:
    """What rich draws, measured: it cuts without a word where its own padding is forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        to = Console(width=width, force_terminal=True, color_system=None, record=True)
        patch.setattr(fitted, "console", lambda: to)
        with to.capture() as drawn:
            fitted.print_fitted(COLUMNS, rows, (2, 1), "")
        places = fitted.columns_that_fit(COLUMNS, rows, (2, 1), width)
    for row in rows:
        assert all(row[place] in drawn.get() for place in places)
    assert "…" not in drawn.get()
