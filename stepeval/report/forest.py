"""Differences as a forest plot: an estimate a line, its interval, and where no difference lies."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stepeval.report import palette
from stepeval.report.canvas import ChartText, canvas
from stepeval.report.charts import Span, log_axis, reach

_WIDTH = 5.7
_MARGIN = 0.08


@dataclass(frozen=True, slots=True)
class Whisker:
    """``series`` chooses the colour. Hollow where the difference is not ``shown``."""

    name: str
    series: int
    span: Span
    shown: bool


def forest(whiskers: Sequence[Whisker], x_label: str, text: ChartText, *, ratio: bool) -> str:
    """The first on top. ``ratio``: around 1 on a logarithmic axis; else points around 0."""
    with canvas(_WIDTH, 0.9 + 0.34 * len(whiskers)) as drawing:
        axes = drawing.axes
        null = 1.0 if ratio else 0.0
        axes.axvline(null, color=palette.SOFT, linewidth=1.1, dashes=(3, 2.5))
        for place, whisker in enumerate(whiskers):
            _draw(axes, whisker, place)
        axes.set_yticks(range(len(whiskers)), drawing.labels([w.name for w in whiskers]))
        axes.tick_params(axis="y", labelcolor=palette.INK)
        axes.set_ylim(len(whiskers) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        ends = [null, *(end for whisker in whiskers for end in _ends(whisker.span))]
        if ratio:
            log_axis(axes, min(ends) / 1.2, max(ends) * 1.2)
        else:
            _points_axis(axes, ends)
        axes.set_xlabel(x_label)
        return drawing.html(text)


def _draw(axes: Axes, whisker: Whisker, place: int) -> None:
    colour = palette.series(whisker.series)
    axes.errorbar(
        whisker.span.value,
        place,
        xerr=reach(whisker.span),
        fmt="o",
        color=colour,
        markersize=6.5,
        markerfacecolor=colour if whisker.shown else palette.PAPER,
        markeredgewidth=1.4,
        elinewidth=1.5,
        capsize=0,
    )


def _points_axis(axes: Axes, ends: Sequence[float]) -> None:
    low, high = min(ends), max(ends)
    margin = max(0.01, _MARGIN * (high - low))
    axes.set_xlim(low - margin, high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(_points))


def _points(value: float, _place: int | None = None) -> str:
    return f"{100 * value:+.3g}" if value else "0"


def _ends(span: Span) -> list[float]:
    return [end for end in (span.low, span.value, span.high) if end is not None]
