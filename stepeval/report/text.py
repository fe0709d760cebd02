"""Text from outside, made fit to be shown."""

import re
import unicodedata

# Control characters but tab and newline, lone surrogates, and the characters that reorder the
# text around them: a page cannot hold the first two and must not obey the last.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff]"
)
_ELLIPSIS = "…"


def clean(text: str) -> str:
    """``text`` with plain newlines and without characters no page should hold."""
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def shorten(text: str, most: int) -> str:
    """One line of at most ``most`` characters."""
    line = " ".join(clean(text[: 4 * most]).split())
    cut = len(line) > most or len(text) > 4 * most
    return line[: most - 1].rstrip() + _ELLIPSIS if cut else line


def cap(text: str, most: int) -> tuple[str, str | None]:
    """The first ``most`` characters, and a note on what is missing if anything is."""
    if len(text) <= most:
        return text, None
    return text[:most], f"The first {most:,} of {len(text):,} characters are shown."


def columns(text: str) -> int:
    """How many columns wide the text is in a fixed-width font; wide scripts take two each."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
