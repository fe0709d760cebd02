from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from stepeval.stats.multiplicity import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=30)
BOTH = pytest.mark.parametrize(
    ("adjust", "oracle"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")]
)


@BOTH
@settings(deadline=None, max_examples=15)  # the oracle collects garbage at each call
@given(p_values=P_VALUES)
def test_they_agree_with_statsmodels(
    adjust: Callable[..., tuple[float, ...]], oracle: str, p_values: list[float]
) -> None:
    expected = multipletests(p_values, method=oracle)[1]
    assert adjust(p_values) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@BOTH
@given(p_values=P_VALUES)
def test_no_p_gets_smaller_and_none_overtakes_another(
    adjust: Callable[..., tuple[float, ...]], oracle: str, p_values: list[float]
) -> None:
    del oracle
    found = np.array(adjust(p_values))
    assert (found >= np.array(p_values) * (1 - 1e-12)).all()
    assert (np.diff(found[np.argsort(p_values)]) >= 0).all()
    assert sorted(adjust(p_values[::-1])) == pytest.approx(sorted(found.tolist()))


def test_one_alone_stays_as_it_is_and_none_is_none() -> None:
    assert holm([0.03]) == benjamini_hochberg([0.03]) == (0.03,)
    assert holm([]) == benjamini_hochberg([]) == ()


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_chance_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match=r"outside|not a number"):
        holm([0.1, value])
