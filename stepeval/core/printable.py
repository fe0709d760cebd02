"""Text from outside, made safe for whatever reads a program's output: a terminal, or GitHub."""

import os
import re

# C0 and C1 controls but for tab and newline, and the marks that reorder text: a terminal obeys
# them (move the cursor, set the clipboard, hide a line), so data must not contain any.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# A job of GitHub Actions obeys a line that begins with two colons, and "##[" anywhere in one.
_COMMAND = re.compile(r"^(\s*):(?=:)|##(?=\[)", re.MULTILINE)


def plain(text: str) -> str:
    """``text`` without anything that would be obeyed; a visible mark stands in its place."""
    clean = _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)
    if on_github():
        clean = _COMMAND.sub("\\1\N{REPLACEMENT CHARACTER}", clean)
    return clean.encode("utf-8", "replace").decode("utf-8")


def on_github() -> bool:
    """Whether a job of GitHub Actions reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"
