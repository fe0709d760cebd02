"""Text for a terminal: safe to print, whatever a model or a dataset put into it."""

import io
import json
import os
from typing import Any, TextIO

import click

from stepeval.core.printable import plain

__all__ = ["counted", "echo_json", "for_terminal", "one_line", "plain"]


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
    click.echo(
        text.replace("##[", "##\\u005b")
    )  # the same JSON, and no workflow command of GitHub's
