"""Regular expressions: linear time, and one clear sentence for what RE2 cannot hold."""

from typing import Any

import pytest

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.linear_regex import compiled
from stepeval.scorers.pattern import Regex


def judge(scorer: Regex, text: str, target: Any = None) -> Score:
    return scorer(Sample("s", "q", target), Choice(0, text))


@pytest.mark.parametrize(
    ("scorer", "target", "text", "value"),
    [
        (Regex(r"\d+"), None, "about 42", 1),
        (Regex(r"\d+"), None, "none", 0),
        (Regex(r"\d+", full_match=True), None, "about 42", 0),
        (Regex("paris", ignore_case=True), None, "PARIS", 1),
        (Regex(), "^yes", "yes!", 1),
        (Regex(), ["^no", "^yes"], "yes!", 1),
        (Regex(), None, "yes", None),
        (Regex(), "(unclosed", "yes", None),
        (Regex(r"(\w+) (?P<last>\w+)", group="last", equals_target=True), "b", "a b", 1),
        (Regex(r"(\w+) (?P<last>\w+)", group="last", equals_target=True), "a", "a b", 0),
        (Regex("(a)|b", group=1, equals_target=True), "a", "b", 0),
        (Regex("a", equals_target=True), None, "a", None),
        (Regex("x"), None, "\ud800x", 1),
        (Regex("x"), None, "", 0),
        (Regex("\\x00"), None, "a\x00b", 1),
    ],
)
def test_what_matches(scorer: Regex, target: Any, text: str, value: int | None) -> None:
    assert judge(scorer, text, target).value == value


def test_the_group_is_the_answer() -> None:
    assert judge(Regex(r"is (\d+)", group=1), "it is 42").answer == "42"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pattern": "(?=a)b"}, "look-around"),
        ({"pattern": "(?<!a)b"}, "look-around"),
        ({"pattern": r"(a)\1"}, "backreference"),
        ({"pattern": "(a"}, "not valid in RE2's syntax"),
        ({"pattern": r"((a{100}){100}){100}"}, "repetition"),
        ({"pattern": r"\p{L}{1,1000}"}, "too large"),
        (
            {"pattern": "[\u0430-\u044f]{1,1000}[\u0430-\u044f]{1,1000}[\u0430-\u044f]{1,1000}"},
            "10000 are the most",
        ),
        ({"pattern": "\ud800"}, "no valid Unicode"),
        ({"pattern": "(a)", "group": 2}, "group 2 does not exist"),
        ({"pattern": "(?P<x>a)", "group": "y"}, "group 'y' does not exist: the pattern names x"),
        ({"equals_target": True}, "needs a pattern"),
        ({"group": 1}, "needs a pattern"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_the_reason(
    options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        Regex(**options)


def test_catastrophic_patterns_finish() -> None:
    """A backtracking engine would still be at it when the sun goes out."""
    for pattern in ("(a+)+$", "(a|a)+$", "(a*)*b", "(.*a){12}$"):
        assert judge(Regex(pattern), "a" * 50_000 + "!").value == 0


def test_a_refused_pattern_writes_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="look-around"):
        compiled("(?!quiet)")
    assert capfd.readouterr().err == ""
