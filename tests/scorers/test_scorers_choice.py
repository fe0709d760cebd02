"""Multiple choice: one choice named is an answer, none or two are not."""

from typing import Any

import pytest

from stepeval.core.chat import Choice
from stepeval.core.task import Sample
from stepeval.scorers.choice import MultipleChoice

CITIES = ("London", "Paris", "A dog", "New York")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(b)", "B"),
        ("**B**", "B"),
        ("B.", "B"),
        ("Answer: B", "B"),
        ("**Answer:** B", "B"),
        ("Answer:\n\nB", "B"),
        ("The answer is **B**.", "B"),
        ("The correct answer is option B.", "B"),
        ("B is correct, as A is too small", "B"),
        ("Answer: B, because A is wrong", "B"),
        ("Answer: B, I think", "B"),
        ("The answer is (B) Paris", "B"),
        ("B) Paris", "B"),
        ("B. Paris\nIt lies on the Seine.", "B"),
        ("Paris", "B"),
        ("It is Paris, the capital", "B"),
        ("I think (B) is right", "B"),
        ("\\boxed{\\text{B}}", "B"),
        ("\u7b54\u6848\u662fB", "B"),
        ("\u7b54\u6848\u9009B\u56e0\u4e3a", "B"),
        ("Thinking of A...\n\nAnswer: B", "B"),
        ("Answer: A dog", "C"),
        ("New York", "D"),
        ("York", None),
        ("The answer is A or B", None),
        ("Answer: A, B", None),
        ("Answer: A\nAnswer: B", None),
        ("A) London\nB) Paris", None),
        ("Neither London nor Paris", None),
        ("The answer is a tricky one", None),
        ("A good question.", None),
        ("Answer: E", None),
        ("Parisian", None),
        ("", None),
    ],
)
def test_what_is_named(text: str, letter: str | None) -> None:
    score = MultipleChoice()(Sample("s", "q", letter or "B", CITIES), Choice(0, text))
    assert (score.answer, score.value) == (letter, 1 if letter else 0)
    assert letter or "names" in str(score.explanation)


@pytest.mark.parametrize("target", ["B", "b", "Paris", " paris ", 1, ["A", "B"]])
def test_a_target_is_a_letter_a_text_or_a_position_from_0(target: Any) -> None:
    assert MultipleChoice()(Sample("s", "q", target, CITIES), Choice(0, "B")).value == 1


@pytest.mark.parametrize(
    ("target", "choices"),
    [
        (None, CITIES),
        ("Rome", CITIES),
        ("E", CITIES),
        (4, CITIES),
        (-1, CITIES),
        (True, CITIES),
        ("A", ("same", "Same")),
        ("A", ("x", "")),
        ("A", ("B", "A")),
        (1, ("1", "2")),
        ("A", tuple(f"choice {n}" for n in range(27))),
    ],
)
def test_a_sample_that_can_be_read_two_ways_is_unscored(
    target: Any, choices: tuple[str, ...]
) -> None:
    score = MultipleChoice()(Sample("s", "q", target, choices), Choice(0, "A"))
    assert score.value is None
    assert score.explanation


def test_without_choices_the_letters_alone_are_read() -> None:
    assert MultipleChoice()(Sample("s", "q", "C"), Choice(0, "Answer: C")).value == 1
    assert MultipleChoice(letters="AB")(Sample("s", "q", "B"), Choice(0, "C")).value == 0


def test_a_right_letter_beside_another_choice_is_no_answer_for_any_target() -> None:
    for target in CITIES:
        score = MultipleChoice()(Sample("s", "q", target, CITIES), Choice(0, "London, Paris"))
        assert score.value == 0


@pytest.mark.parametrize("letters", ["", "A", "AA", "ab", "A1"])
def test_wrong_letters_are_refused(letters: str) -> None:
    with pytest.raises(ValueError, match="letters must"):
        MultipleChoice(letters=letters)


def test_an_article_before_a_word_is_no_letter() -> None:
    score = MultipleChoice()(Sample("s", "q", "A"), Choice(0, "the answer is a number"))
    assert score.value == 0


def test_a_wrong_choice_is_explained_by_both() -> None:
    score = MultipleChoice()(Sample("s", "q", ["A", "C"]), Choice(0, "B"))
    assert score.explanation == "answered 'B', wanted 'A' or 'C'"
