"""Stand-in colours a chart is drawn with, and the page's names they stand for.

matplotlib wants fixed colours; the page has two sets, one for light and one for dark. A chart is
drawn in colours that mean nothing, and each is then exchanged for a class of the page's style.
"""

from collections.abc import Mapping

SERIES = 8  # the page's style names as many; further arms repeat them with another marker
INK, SOFT, LINE, PAPER = "#010101", "#020202", "#030303", "#040404"

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "h")
DASHES: tuple[tuple[float, ...], ...] = ((), (5, 2), (1.5, 1.5), (6, 2, 1.5, 2), (3, 1.5))


def series(index: int) -> str:
    return f"#0a00{index % SERIES:02x}"


def series_name(index: int) -> str:
    return f"s{index % SERIES}"


def marker(index: int) -> str:
    return MARKERS[index % len(MARKERS)]


def dash(index: int) -> tuple[float, ...]:
    """Lengths of strokes and gaps, in widths of the line; empty for a solid line."""
    return DASHES[index % len(DASHES)]


NAMES: Mapping[str, str] = {
    INK: "ink",
    SOFT: "soft",
    LINE: "line",
    PAPER: "paper",
} | {series(index): series_name(index) for index in range(SERIES)}
