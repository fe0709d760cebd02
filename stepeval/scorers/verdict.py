"""How a scorer says what it found: right, wrong, or not to be judged."""

from stepeval.core.record import Score

_LONGEST = 200  # characters; an explanation is one line of a table


def right(scorer: str, answer: str | None = None) -> Score:
    return Score(scorer=scorer, value=1.0, answer=answer)


def wrong(scorer: str, explanation: str, answer: str | None = None) -> Score:
    return Score(scorer=scorer, value=0.0, answer=answer, explanation=explanation)


def unscored(scorer: str, explanation: str, answer: str | None = None) -> Score:
    return Score(scorer=scorer, value=None, answer=answer, explanation=explanation)


def brief(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def quote(value: object) -> str:
    """``value`` as Python writes it, so that control characters show, cut where it is long."""
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]!r}..."  # a megabyte need not be escaped to show its beginning
    return brief(repr(value))
