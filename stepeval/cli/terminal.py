"""Text for a terminal: safe to print, whatever a model or a dataset put into it."""

import io
import json
import os
import re
from typing import Any, TextIO

import click

# C0 and C1 controls but for tab and newline, and the marks that reorder text: a terminal obeys
# them (move the cursor, set the clipboard, hide a line), so data must not contain any.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """``text`` without anything a terminal would obey; a visible mark stands in its place."""
    clean = _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean.encode("utf-8", "replace").decode("utf-8")


def one_line(text: str, width: int) -> str:
    """The text's words on one line of at most ``width`` characters."""
    words = " ".join(plain(text).split())
    return words if len(words) <= width else words[: width - 1] + "…"


class _ForTerminal(io.TextIOWrapper):
    def write(self, text: str) -> int:
        return super().write(plain(text.replace("\r\n", "\n")))


def for_terminal(terminal: TextIO) -> TextIO:
    """Writes to a terminal what it may show; a file or a pipe should get the data as they are."""
    descriptor = os.dup(terminal.fileno())
    return _ForTerminal(os.fdopen(descriptor, "wb"), "utf-8", line_buffering=True)


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def echo_json(value: Any) -> None:
    """For ``--json``: one JSON document on standard output."""
    text = json.dumps(value, indent=2, allow_nan=False, default=os.fspath)
    click.echo(text)
