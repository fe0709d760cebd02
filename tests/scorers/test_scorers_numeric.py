"""Numbers as people and models write them, and what only looks like one."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.numeric import Numeric
from stepeval.scorers.read_numbers import numbers_in


def judge(scorer: Numeric, text: str, target: Any = None) -> Score:
    return scorer(Sample("s", "q", target), Choice(0, text))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("The answer is 1,234.50 dollars.", ["1234.5"]),
        ("-7", ["-7"]),
        ("\u22127", ["-7"]),
        ("x=-7", ["-7"]),
        ("x = 3/4", ["3/4"]),
        ("-3/4", ["-3/4"]),
        ("1e400", ["1e400"]),
        ("6.02E23, 1e-5 and 1e+5", ["6.02e23", "1e-5", "1e5"]),
        ("3 \\times 10^{8}", ["3e8"]),
        ("3\u00d710\u2078 or 10^-3", ["3e8", "1e-3"]),
        ("step-3.7-flash gives 12", ["12"]),
        ("gpt4, v2, Q3, file.5, 0x1F, a1b2, f/2.8", []),
        ("10%", ["10"]),
        ("2024-01-05: 7", ["7"]),
        ("01/05/2024 at 12:30", []),
        ("192.168.1.1 and 1.2.3", []),
        ("1.234.567", []),
        ("10-20", []),
        ("3.", ["3"]),
        ("...5 and .5", ["5", ".5"]),
        ("\u00bd, 2\u00bd, -2 1/2, \u2153", ["1/2", "5/2", "-5/2", "1/3"]),
        ("5 - 3 = 2; (5)-3", ["5", "3", "2", "5", "3"]),
        ("$5, -$5, $-5, \u20ac1\u202f000", ["5", "-5", "-5", "1000"]),
        ("$5-$10", ["5", "10"]),
        ("1,2,3 but 1,234", ["1", "2", "3", "1234"]),
        ("1'234 and 1_000", ["1234", "1000"]),
        ("12km, 5kg/day, 3rd, 1980s", ["12", "5", "3", "1980"]),
        ("\u7b54\u6848\u662f12\u4e2a", ["12"]),
        ("\uff11\uff12\uff0e\uff15", ["12.5"]),
        ("**7** `8` (9) [10]", ["7", "8", "9", "10"]),
        ("\\boxed{\\frac{3}{4}} after 7 and 8", ["3/4"]),
        ("\\boxed{-1{,}234} ", ["-1234"]),
        ("\\boxed{x = \\sqrt{2}} = 1.41", ["2"]),
        ("\\boxed{5", ["5"]),
        ("-\\dfrac{1}{2}", ["-1/2"]),
        ("nan, inf, Infinity", []),
        ("", []),
    ],
)
def test_numbers_are_read_as_written(text: str, values: list[str]) -> None:
    assert [number.value for number in numbers_in(text)] == [Fraction(value) for value in values]


@pytest.mark.parametrize("text", ["1" * 2_000, "1e99999", "1e" + "9" * 5_000, "5/0", "-1e-1001"])
def test_a_number_too_large_to_hold_is_a_wrong_answer(text: str) -> None:
    assert [number.value for number in numbers_in(text)] == [None]
    score = judge(Numeric(), text, 1)
    assert score.value == 0
    assert "no value or too long" in str(score.explanation)


@pytest.mark.parametrize(
    ("scorer", "target", "text", "value"),
    [
        (Numeric(), 12, "first 5, then 12", 1),
        (Numeric(which="first"), 5, "first 5, then 12", 1),
        (Numeric(which="only"), 12, "first 5, then 12", 0),
        (Numeric(which="only"), 12, "it is 12", 1),
        (Numeric(), 0.1, "0.1", 1),
        (Numeric(), "0.1", "0.10000000000000000001", 0),
        (Numeric(tolerance=0.1), 0.2, "0.3", 1),
        (Numeric(tolerance=0.1), 0.2, "0.30000000000000001", 0),
        (Numeric(relative_tolerance=0.01), -100, "-101", 1),
        (Numeric(relative_tolerance=0.01), -100, "-101.1", 0),
        (Numeric(), "1,234.5", "1234.50", 1),
        (Numeric(), "3/4", "0.75", 1),
        (Numeric(), [1, 2], "2", 1),
        (Numeric(value=3), 4, "3", 1),
        (Numeric(), 10, "10%", 1),
        (Numeric(percent="fraction"), 0.1, "10 percent", 1),
        (Numeric(percent="fraction"), "10%", "0.1", 1),
        (Numeric(decimal_comma=True), "1234567,5", "1.234.567,5", 1),
        (Numeric(), 1, "no number", 0),
        (Numeric(), 1, "", 0),
        (Numeric(), None, "1", None),
        (Numeric(), True, "1", None),
        (Numeric(), float("nan"), "1", None),
        (Numeric(), "inf", "1", None),
        (Numeric(), "1 or 2", "1", None),
        (Numeric(), {"a": 1}, "1", None),
        (Numeric(), 10**400, "1e400", 1),
    ],
)
def test_what_is_equal(scorer: Numeric, target: Any, text: str, value: int | None) -> None:
    assert judge(scorer, text, target).value == value


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"tolerance": -1}, "tolerance must be a number from 0 up"),
        ({"tolerance": float("nan")}, "tolerance must be a number from 0 up"),
        ({"relative_tolerance": float("inf")}, "relative_tolerance must be a number from 0 up"),
        ({"which": "best"}, "which must be last, first or only"),
        ({"percent": "ratio"}, "percent must be number or fraction"),
        ({"value": float("inf")}, "value must be one finite number"),
        ({"value": "many"}, "value must be one finite number"),
        ({"value": True}, "value must be one finite number"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Numeric(**options)


def test_a_long_run_of_digits_and_separators_is_read_in_linear_time() -> None:
    """Each of these makes a careless pattern try every split of the text."""
    for piece in ("1,", "1.", "1e", "1 ", "1-", "1'", "\\boxed{", "10^", "1,111", "$+", "a/"):
        judge(Numeric(), piece * 50_000 + "!", 1)


@given(st.integers(-(10**30), 10**30))
@settings(deadline=None, max_examples=200)
def test_every_integer_is_found_with_and_without_thousands_separators(number: int) -> None:
    assert judge(Numeric(), f"so it is {number}.", number).value == 1
    assert judge(Numeric(), f"so it is {number:,}.", number).value == 1


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None, max_examples=200)
def test_every_float_is_found_as_python_writes_it(number: float) -> None:
    assert judge(Numeric(), f"x = {number!r}", number).value == 1


def test_a_wrong_number_is_explained_by_both() -> None:
    assert judge(Numeric(), "It is 11.", "9").explanation == "answered '11', wanted '9'"
    assert judge(Numeric(), "It is 11.", 9).explanation == "answered '11', wanted '9'"
