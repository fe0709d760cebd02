"""How a scorer says what it found: right, wrong, or not to be judged."""

from stepeval.core.record import Score

_LONGEST_QUOTE = 120  # characters; an explanation is one line of a table


def right(scorer: str, answer: str | None = None) -> Score:
    return Score(scorer=scorer, value=1.0, answer=answer)


def wrong(scorer: str, explanation: str, answer: str | None = None) -> Score:
    return Score(scorer=scorer, value=0.0, answer=answer, explanation=explanation)


def unscored(scorer: str, explanation: str, answer: str | None = None) -> Score:
    return Score(scorer=scorer, value=None, answer=answer, explanation=explanation)


def quote(value: object) -> str:
    """``value`` as Python writes it, so control characters are visible, cut where it is long."""
    # Cut before repr: a megabyte of text need not be escaped to show its first line.
    shown = repr(value[:_LONGEST_QUOTE] if isinstance(value, str) else value)
    shown = shown if len(shown) <= 2 * _LONGEST_QUOTE else shown[: 2 * _LONGEST_QUOTE]
    cut = len(value) > _LONGEST_QUOTE if isinstance(value, str) else shown != repr(value)
    return f"{shown}..." if cut else shown
