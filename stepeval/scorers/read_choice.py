r"""Which choices a text names.

The first of these that names any decides:

1. what follows a cue ("Answer:", 答案是), precedes "is correct" or stands in ``\boxed{}``
2. a line that is a letter, a choice's text, or begins as in "B) ..."
3. choices mentioned anywhere, by their text or by a letter in parentheses

Every choice named on the deciding level counts, so that a text which names two names none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_CUE = re.compile(
    r"(?:\banswer|\bchoice|\boption)\b[\s*_]{0,4}(?:is|would be|should be|[:：=])"  # noqa: RUF001 - full-width colon
    r"|答案[\s*_]{0,4}(?:是|为|选|[:：])|(?:应选|故选|选择)|\\f?boxed\{",  # noqa: RUF001 - full-width colon
    re.IGNORECASE,
)
_MARKS = " \t\r\n*_`'\"$([{<（【:：“‘"  # noqa: RUF001 - what may stand before a letter
_FILLER = re.compile(
    r"(?:(?:most likely|probably|clearly|therefore|option|choice|letter)\b|选项"
    r"|\\(?:text|mathrm|mathbf)\b)",
    re.IGNORECASE,
)
_LETTER = re.compile(r"([A-Za-z])(?![^\W_]|['\u2019]\w)")
_LETTER_BEFORE_CJK = re.compile(r"([A-Z])(?=[^\x00-\u2e7f])")
_ALTERNATIVE = re.compile(
    r"[)\]}*_.\s]{0,6}(?:(?:or\b|and\b|/|&|或|和|、)[\s(*_\[{]{0,6}([A-Z])\b"
    r"|,[\s(*_\[{]{0,6}([A-Z])\b(?!['\u2019\s]+[a-z]))"  # "B, I think" names no I
)
_VERDICT = re.compile(
    r"(?<![\w'\u2019])([A-Z])[)\]*_]{0,4}\s(?:is|must be)\s(?:the\s)?(?:correct|right|answer)\b"
)
_MENTION = re.compile(r"[(（]\s?\**([A-Za-z])\**\s?[)）]")  # noqa: RUF001 - full-width parentheses
_LINE_LEAD = re.compile(r"[\s*_`#>-]{0,12}[(\[（]?\**([A-Z])\**(?:[)\]）:：]|\.(?=\s))")  # noqa: RUF001 - full-width marks
_EDGE = " \t\r\n*_`'\"$()[]{}<>.:,;!（）【】。：“”‘’，"  # noqa: RUF001 - what may surround an answer
_LOOK_AHEAD = 400  # characters after a cue; longer choice texts are compared by their beginning


@dataclass(frozen=True, slots=True)
class Choices:
    """``texts`` by letter; empty where the sample names no choices."""

    letters: str
    texts: Mapping[str, str]


def read_choice(text: str, choices: Choices) -> frozenset[str]:
    """The letters of the choices that ``text`` names; more than one is no answer."""
    return _after_cues(text, choices) or _on_lines(text, choices) or _mentioned(text, choices)


def _after_cues(text: str, choices: Choices) -> frozenset[str]:
    named = {match[1] for match in _VERDICT.finditer(text)} & set(choices.letters)
    for cue in _CUE.finditer(text):
        named |= _beginning(text[cue.end() : cue.end() + _LOOK_AHEAD], choices)
    return frozenset(named)


def _beginning(tail: str, choices: Choices) -> set[str]:
    """The choice that a text starts with, and the one that an "or" adds to it."""
    tail = tail.lstrip(_MARKS)
    while filler := _FILLER.match(tail):
        tail = tail[filler.end() :].lstrip(_MARKS)
    if by_text := _starting_text(tail, choices):
        return {by_text}
    match = _LETTER.match(tail) or _LETTER_BEFORE_CJK.match(tail)
    if match is None or match[1].upper() not in choices.letters:
        return set()
    rest = tail[match.end() :]
    if match[1].islower() and re.match(r"[ \t]+\w", rest):
        return set()  # "the answer is a number": an article
    also = _ALTERNATIVE.match(rest)
    named = {match[1].upper()} | ({also[1] or also[2]} if also else set())
    return {letter for letter in named if letter in choices.letters}


def _starting_text(tail: str, choices: Choices) -> str | None:
    folded = tail.casefold()
    for letter, text in sorted(choices.texts.items(), key=lambda item: -len(item[1])):
        wanted = text.strip().casefold()
        after = folded[len(wanted) : len(wanted) + 1]
        if folded.startswith(wanted[:_LOOK_AHEAD]) and not _joined(wanted[-1:], after):
            return letter
    return None


def _on_lines(text: str, choices: Choices) -> frozenset[str]:
    by_text = {" ".join(t.split()).casefold().strip(_EDGE): a for a, t in choices.texts.items()}
    named: set[str] = set()
    for line in text.splitlines():
        bare = line.strip(_EDGE)
        if by_text.get(" ".join(bare.split()).casefold()):
            named.add(by_text[" ".join(bare.split()).casefold()])
        elif len(bare) == 1 and bare.upper() in choices.letters:
            named.add(bare.upper())
        elif (lead := _LINE_LEAD.match(line)) and lead[1] in choices.letters:
            named.add(lead[1])
    return frozenset(named)


def _mentioned(text: str, choices: Choices) -> frozenset[str]:
    named = {match[1].upper() for match in _MENTION.finditer(text)} & set(choices.letters)
    rest = text.casefold()
    for letter, wanted in sorted(choices.texts.items(), key=lambda item: -len(item[1])):
        rest, found = _without(rest, wanted.strip().casefold())
        if found:
            named.add(letter)
    return frozenset(named)


def _without(text: str, wanted: str) -> tuple[str, bool]:
    """``text`` without ``wanted`` as whole words, so that "New York" is not also "York"."""
    pieces, start, place = [], 0, text.find(wanted)
    while place >= 0:
        end = place + len(wanted)
        if not _joined(text[place - 1 : place], wanted[0]) and not _joined(
            wanted[-1], text[end : end + 1]
        ):
            pieces.append(text[start:place])
            start = end
        place = text.find(wanted, end)
    return "\n".join([*pieces, text[start:]]), bool(pieces)


def _joined(before: str, after: str) -> bool:
    """Whether two neighbours are parts of one word; scripts without spaces have none."""
    return all(one.isalnum() and one < "\u2e80" for one in (before, after) if one) and bool(
        before and after
    )
