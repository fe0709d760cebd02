"""Where two answers differ, word by word."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_CHARACTERS = 4_000  # of each: comparing takes as long as both lengths multiplied
_MOST_WORDS = 1_000


class Side(StrEnum):
    BOTH = "both"
    ONLY_A = "only_a"
    ONLY_B = "only_b"


@dataclass(frozen=True, slots=True)
class Stretch:
    side: Side
    text: str


def text_difference(a: str, b: str) -> tuple[Stretch, ...]:
    """The words of both texts in one line of stretches; A's come before B's where they differ.

    What lies beyond the first 1,000 words of a text is not looked at, and not in it.
    """
    left, right = _words(a), _words(b)
    found: list[Stretch] = []
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for kind, a_start, a_end, b_start, b_end in matcher.get_opcodes():
        if kind == "equal":
            found.append(Stretch(Side.BOTH, "".join(left[a_start:a_end])))
            continue
        if a_end > a_start:
            found.append(Stretch(Side.ONLY_A, "".join(left[a_start:a_end])))
        if b_end > b_start:
            found.append(Stretch(Side.ONLY_B, "".join(right[b_start:b_end])))
    return tuple(found)


def is_cut(text: str) -> bool:
    """Whether the text is longer than what is compared of it."""
    return len("".join(_words(text))) < len(text)


def _words(text: str) -> list[str]:
    return _WORD.findall(text[:_MOST_CHARACTERS])[:_MOST_WORDS]
