"""The scorer for multiple choice: which of the choices the answer names, if it names one."""

import re
from dataclasses import dataclass
from string import ascii_uppercase

from stepeval.core.chat import Choice
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.read_choice import Choices, read_choice
from stepeval.scorers.verdict import quote, right, wrong
from stepeval.scorers.wanted import NoTarget, wanted_values


@dataclass(frozen=True, slots=True)
class MultipleChoice:
    """The answer names the wanted choice by its letter or by its text, and names no other.

    ``letters`` name the sample's choices in their order; a sample without choices is answered by
    letter alone. The target is a letter, a choice's text, or its position counted from 0.
    """

    value: str | int | None = None
    letters: str = ascii_uppercase

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Z]{2,}", self.letters):
            raise ValueError(f"letters must be two or more of A to Z, not {self.letters!r}")
        if len(set(self.letters)) < len(self.letters):
            raise ValueError(f"letters must differ, and {self.letters!r} repeats one")

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        targets = wanted_values(self.value, sample.target)
        if isinstance(targets, NoTarget):
            return targets.score("choice")
        choices = _choices(sample.choices, self.letters)
        if isinstance(choices, NoTarget):
            return choices.score("choice")
        wanted = [_letter_of(target, choices) for target in targets]
        for one in wanted:
            if isinstance(one, NoTarget):
                return one.score("choice")
        named = read_choice(choice.text or "", choices)
        if len(named) != 1:
            several = f"several choices: {', '.join(sorted(named))}"
            return wrong("choice", f"the answer names {several if named else 'no choice'}")
        (letter,) = named
        if letter in wanted:
            return right("choice", letter)
        shown = " or ".join(map(quote, wanted))
        return wrong("choice", f"answered {quote(letter)}, wanted {shown}", letter)


def _choices(texts: tuple[str, ...], letters: str) -> Choices | NoTarget:
    if len(texts) > len(letters):
        return NoTarget(
            f"the sample has {len(texts)} choices, and there are {len(letters)} letters"
        )
    plain = [" ".join(text.split()).casefold() for text in texts]
    if "" in plain or len(set(plain)) < len(plain):
        return NoTarget("two of the sample's choices have the same text, or one has none")
    for letter, text in zip(letters, plain, strict=False):
        if text.upper() in letters and text.upper() != letter:
            return NoTarget(f"choice {letter} reads {text!r}, which is another choice's letter")
    used = letters[: len(texts)] if texts else letters
    return Choices(used, dict(zip(used, texts, strict=False)))


def _letter_of(target: object, choices: Choices) -> str | NoTarget:
    by_text = {text.strip().casefold(): letter for letter, text in choices.texts.items()}
    if isinstance(target, int) and not isinstance(target, bool):
        if str(target) in by_text:
            return NoTarget(f"the target {target} is a position and a choice's text: use a letter")
        if 0 <= target < len(choices.letters):
            return choices.letters[target]
        return NoTarget(f"the target {target} is no position from 0 to {len(choices.letters) - 1}")
    if isinstance(target, str):
        text = target.strip()
        if text.casefold() in by_text:
            return by_text[text.casefold()]
        if len(text) == 1 and text.upper() in choices.letters:
            return text.upper()
    return NoTarget(f"the target {quote(target)} is neither a letter, a position nor a choice")
