"""What holds for every scorer: options from YAML, any text, one process or many."""

import pickle
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.choice import MultipleChoice
from stepeval.scorers.numeric import Numeric
from stepeval.scorers.pattern import Regex
from stepeval.scorers.structured import JsonEquals, JsonSchema, JsonValid
from stepeval.scorers.text import EndsWith, Exact, Includes, Length, StartsWith

CHOICES = ("Paris", "New York", "4")
SCORERS: dict[str, list[Any]] = {
    "exact": [Exact(), Exact(ignore_case=True, normalize_space=True, strip=False)],
    "includes": [Includes(), Includes(mode="all", ignore_case=True)],
    "starts_with": [StartsWith(), StartsWith(strip=False, ignore_case=True)],
    "ends_with": [EndsWith(), EndsWith(strip=False, ignore_case=True)],
    "length": [Length(max=5), Length(min=1, unit="words"), Length(max=1, unit="lines")],
    "regex": [
        Regex(),
        Regex(r"(\w)(\d)?", group=2, equals_target=True),
        Regex("a", full_match=True),
    ],
    "numeric": [Numeric(), Numeric(value="3/4", which="only", decimal_comma=True)],
    "choice": [MultipleChoice(), MultipleChoice(value="A", letters="ABC")],
    "json_valid": [JsonValid(), JsonValid(extract=True, strict=False)],
    "json_schema": [
        JsonSchema({"type": "object", "properties": {"a": {"multipleOf": 0.1, "pattern": "x"}}}),
        JsonSchema({"uniqueItems": True, "multipleOf": 3}, extract=True, strict=False),
    ],
    "json_equals": [JsonEquals(), JsonEquals(fields=("a",), extract=True, strict=False)],
}
ALL = [(name, scorer) for name, several in SCORERS.items() for scorer in several]

# Surrogates included: JSON can escape a lone one, so a text can hold it.
TEXTS = st.text(st.characters(), max_size=60) | st.text(
    "0123456789.,-+eE/%$[]{}\":'`ABCabc(*)\n \\_\u00bd\u2078\u7b54\u6848\ud800", max_size=60
)
PIECES = st.lists(
    st.sampled_from(
        ["```json\n", "\n```", '{"a":', "1e5", "NaN", "[", "]", "}", "Answer: ", "B", "\\boxed{",
         "1,234", "3/4", "10^", "\\frac{1}{2}", "Paris", "(b)", " or ", "\u00d710\u2078", "5/0"]
    ),
    max_size=12,
).map("".join)  # fmt: skip
TARGETS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), TEXTS,
    st.lists(TEXTS, max_size=2), st.dictionaries(st.sampled_from("ab"), st.integers()),
)  # fmt: skip


@given(text=TEXTS | PIECES, target=TARGETS, with_choices=st.booleans())
@settings(deadline=None, max_examples=300)
def test_no_text_and_no_target_makes_a_scorer_raise(
    text: str, target: Any, with_choices: bool
) -> None:
    sample = Sample("s", "q", target, CHOICES if with_choices else ())
    for name, scorer in ALL:
        score = scorer(sample, Choice(0, text))
        assert isinstance(score, Score)
        assert score.scorer == name
        assert score.value is None or 0 <= score.value <= 1
        assert score.value == 1 or score.explanation
        assert score == scorer(sample, Choice(0, text))


@pytest.mark.parametrize("scorer", [scorer for _, scorer in ALL], ids=repr)
def test_an_answer_that_is_missing_is_judged_like_an_empty_one(scorer: Any) -> None:
    sample = Sample("s", "q", "Paris", CHOICES)
    missing: Any = None
    assert scorer(sample, Choice(0, missing)) == scorer(sample, Choice(0, ""))


@pytest.mark.parametrize("scorer", [scorer for _, scorer in ALL], ids=repr)
def test_a_scorer_travels_to_another_process(scorer: Any) -> None:
    assert pickle.loads(pickle.dumps(scorer)) == scorer


@pytest.mark.parametrize("scorer", [scorer for _, scorer in ALL], ids=repr)
def test_a_scorer_is_frozen_and_slotted(scorer: Any) -> None:
    assert not hasattr(scorer, "__dict__")
    assert type(scorer).__dataclass_params__.frozen


@pytest.mark.parametrize("scorer", [scorer for _, scorer in ALL], ids=repr)
def test_options_survive_validation_by_type(scorer: Any) -> None:
    """As a YAML file has them: lists for tuples, plain mappings."""
    options = {
        field.name: list(value) if isinstance(value, tuple) else value
        for field in fields(scorer)
        if (value := getattr(scorer, field.name)) is not None
    }
    assert TypeAdapter(type(scorer)).validate_python(options) == scorer


def test_a_wrong_option_reaches_the_reader_of_the_suite_as_one_sentence() -> None:
    with pytest.raises(ValidationError, match="uses look-around") as caught:
        TypeAdapter(Regex).validate_python({"pattern": "(?=a)"})
    assert len(caught.value.errors()) == 1


@pytest.mark.parametrize("scorer", [scorer for _, scorer in ALL], ids=repr)
def test_a_long_run_of_one_character_is_judged(scorer: Any) -> None:
    for character in '1a{"[ (`\n,.-':
        scorer(Sample("s", "q", "Paris", CHOICES), Choice(0, character * 200_000))
