"""A matplotlib figure without a screen, and its way to SVG text: the same input, the same bytes."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from stepeval.report import palette
from stepeval.report.svg import Dressing, inline
from stepeval.report.text import columns, shorten

_LABEL_LENGTH = 30
_FONT_SIZE = 9.0
_SETTINGS: dict[Any, Any] = {  # matplotlib types its keys as one long Literal
    "svg.fonttype": "none",
    "svg.hashsalt": "stepeval",
    "font.size": _FONT_SIZE,
    "axes.edgecolor": palette.LINE,
    "axes.labelcolor": palette.SOFT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": palette.LINE,
    "grid.linewidth": 0.6,
    "text.color": palette.INK,
    "text.parse_math": False,
    "xtick.color": palette.SOFT,
    "ytick.color": palette.SOFT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}


@dataclass(frozen=True, slots=True)
class ChartText:
    """``id`` is unique in the page; ``description`` says what the chart shows, for who hears it."""

    id: str
    title: str
    description: str


@dataclass(slots=True)
class Canvas:
    """matplotlib sees stand-ins for names, so no name can be markup, or lack a glyph, to it."""

    figure: Figure
    axes: Axes
    texts: dict[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """A stand-in about as wide as the name."""
        shown = shorten(name, _LABEL_LENGTH)
        stand_in = f"@{len(self.texts)}".ljust(columns(shown), "n")
        self.texts[stand_in] = shown
        return stand_in

    def labels(self, names: Sequence[str]) -> list[str]:
        return [self.label(name) for name in names]

    def html(self, text: ChartText) -> str:
        buffer = io.StringIO()
        self.figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
        return inline(
            buffer.getvalue(),
            Dressing(text.id, text.title, text.description, palette.NAMES, self.texts),
        )


@contextmanager
def canvas(width: float, height: float) -> Iterator[Canvas]:
    """Sizes in inches of 72 units. The user's own matplotlib settings do not reach it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield Canvas(figure, figure.add_subplot())
