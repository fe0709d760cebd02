"""A margin is read as people write it, and refused in a sentence where it is none."""

import pytest

from stepeval.core.margin import parse_points, parse_ratio


@pytest.mark.parametrize(
    ("text", "value"), [("2pp", 0.02), ("2", 0.02), ("2.5 pp", 0.025), (" 5 points ", 0.05)]
)
def test_points_are_shares(text: str, value: float) -> None:
    assert parse_points(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["0", "100pp", "-2pp", "2%", "1.1x", "", "two", "1e1"])
def test_what_is_no_number_of_points_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be points above 0 and below 100, such as 2pp"):
        parse_points(text)


@pytest.mark.parametrize(("text", "value"), [("10%", 1.1), ("1.2x", 1.2), ("250 %", 3.5)])
def test_ratios_are_factors(text: str, value: float) -> None:
    assert parse_ratio(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["0%", "1x", "0.9x", "10", "2pp", "1000x", "", "x"])
def test_what_is_no_worsening_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a share or a factor above 1, such as 10% or"):
        parse_ratio(text)


@pytest.mark.parametrize(
    ("text", "meant"), [("2%", "2pp"), ("0.02", "2pp or 0.02pp"), ("0.5", "50pp or 0.5pp")]
)
def test_what_may_mean_two_things_is_asked_about(text: str, meant: str) -> None:
    """0.02 taken for points would be a margin that no suite can hold."""
    with pytest.raises(ValueError, match=f"did you mean {meant}"):
        parse_points(text)
    assert parse_points("0.5pp") == pytest.approx(0.005)
