"""Text against text: what counts as equal, included, and long enough."""

from typing import Any

import pytest

from stepeval.core.chat import Choice
from stepeval.core.ports import Scorer
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.text import EndsWith, Exact, Includes, Length, StartsWith


def judge(scorer: Scorer, text: str, target: Any = None) -> Score:
    return scorer(Sample("s", "q", target), Choice(0, text))


@pytest.mark.parametrize(
    ("scorer", "target", "text", "value"),
    [
        (Exact(), "Paris", "Paris", 1),
        (Exact(), "Paris", " Paris\n", 1),
        (Exact(strip=False), "Paris", "Paris\n", 0),
        (Exact(), "Paris", "paris", 0),
        (Exact(ignore_case=True), "STRASSE", "straße", 1),
        (Exact(), "a b", "a  b", 0),
        (Exact(normalize_space=True), "a b", " a\n\tb ", 1),
        (Exact(normalize_space=True, strip=False), "a b", "a  b ", 0),
        (Exact(normalize_space=True, strip=False), " a b", "\n\na  b", 1),
        (Exact(), 42, "42", 1),
        (Exact(), ["yes", "yeah"], "yeah", 1),
        (Exact(value=("a", "b")), "c", "b", 1),
        (Exact(), "", "", 1),
        (Exact(), "Paris", "", 0),
        (Exact(), "\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", 1),
        (Includes(), "par", "compare", 1),
        (Includes(), ["x", "y"], "only y", 1),
        (Includes(mode="all"), ["x", "y"], "only y", 0),
        (Includes(mode="all"), ["x", "y"], "y x", 1),
        (Includes(ignore_case=True), "PARIS", "in paris", 1),
        (Includes(value="z"), "x", "x", 0),
        (StartsWith(), "Yes", "  Yes, it is", 1),
        (StartsWith(strip=False), "Yes", " Yes", 0),
        (StartsWith(), "Yes", "Oh Yes", 0),
        (StartsWith(ignore_case=True), ["no", "yes"], "YES", 1),
        (EndsWith(), "done.", "all done.\n", 1),
        (EndsWith(strip=False), "done.", "all done.\n", 0),
        (EndsWith(ignore_case=True), "DONE", "not done", 1),
        (Length(min=1), None, "", 0),
        (Length(max=3), None, " abc ", 1),
        (Length(max=3), None, "abcd", 0),
        (Length(min=2, max=2, unit="words"), None, "two  words", 1),
        (Length(max=1, unit="lines"), None, "one\n", 1),
        (Length(max=1, unit="lines"), None, "one\ntwo", 0),
        (Length(max=0, unit="lines"), None, " ", 1),
        (Length(max=2), None, "答案", 1),
    ],
)
def test_what_counts(scorer: Scorer, target: Any, text: str, value: int) -> None:
    score = judge(scorer, text, target)
    assert score.value == value
    assert (score.explanation is None) == (value == 1)


@pytest.mark.parametrize("scorer", [Exact(), Includes(), StartsWith(), EndsWith()])
@pytest.mark.parametrize("target", [None, [], True, ["a", None], {"a": 1}])
def test_no_usable_target_is_unscored_and_never_wrong(scorer: Scorer, target: Any) -> None:
    score = judge(scorer, "text", target)
    assert score.value is None
    assert score.explanation


@pytest.mark.parametrize("scorer", [Includes(), StartsWith(), EndsWith()])
def test_an_empty_target_does_not_make_every_answer_right(scorer: Scorer) -> None:
    assert judge(scorer, "anything", "").value is None


def test_a_target_that_yaml_misread_says_how_to_write_it() -> None:
    assert "put it in quotes" in str(judge(Exact(), "yes", True).explanation)


def test_control_characters_reach_the_answer_untouched_and_the_explanation_escaped() -> None:
    score = judge(Exact(), "\x1b[2J\x07", "x")
    assert score.answer == "\x1b[2J\x07"
    assert "\x1b" not in str(score.explanation)


def test_a_long_answer_does_not_make_a_long_explanation() -> None:
    assert len(str(judge(Exact(), "a" * 10**6, "b" * 10**6).explanation)) < 600


@pytest.mark.parametrize(
    ("scorer", "options", "sentence"),
    [
        (Includes, {"value": ""}, "value must not be empty"),
        (StartsWith, {"value": ()}, "at least one text"),
        (EndsWith, {"value": ("a", "")}, "value must not be empty"),
        (Exact, {"value": ()}, "at least one text"),
        (Includes, {"mode": "most"}, "mode must be any or all, not 'most'"),
        (Length, {}, "length needs min, max or both"),
        (Length, {"min": -1}, "min must be 0 or more"),
        (Length, {"min": 3, "max": 2}, "min must not be above max"),
        (Length, {"min": 1, "unit": "pages"}, "unit must be characters, words or lines"),
    ],
)
def test_wrong_options_are_refused(scorer: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        scorer(**options)


def test_a_wrong_text_is_explained_by_both() -> None:
    assert judge(Exact(), "Rome", "Paris").explanation == "answered 'Rome', wanted 'Paris'"
