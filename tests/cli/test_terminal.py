import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepeval.cli.terminal import one_line, plain

HOSTILE = [
    "\x1b]8;;http://evil\x07click\x1b]8;;\x07",  # a link over other words
    "\x1b]52;c;ZXZpbA==\x07",  # sets the clipboard
    "\x9b2J",  # clears the screen, as one C1 byte
    "\u202egnp.exe",  # reads backwards
    "a\rb",  # hides what stood before
    "\x00\x08",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_a_terminal_would_obey_is_left(text: str) -> None:
    assert not any(c in plain(text) for c in "\x1b\x07\x9b\u202e\r\x00\x08")


@given(st.text())
def test_whatever_comes_can_be_printed(text: str) -> None:
    safe = plain(text)
    safe.encode("utf-8")
    assert len(one_line(text, 20)) <= 20
    assert "\n" not in one_line(text, 20)


def test_ordinary_text_is_left_alone() -> None:
    text = string.printable.translate({11: None, 12: None, 13: None}) + "é漢字🎉"
    assert plain(text) == text
