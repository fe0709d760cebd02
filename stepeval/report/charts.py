"""Numbers become charts. Each function returns one ``<svg>`` element, ready for the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from stepeval.report import palette
from stepeval.report.canvas import Canvas, ChartText, canvas
from stepeval.report.placement import Box, place

_MOST_STEPS = 250  # of one curve: more cannot be seen, and each is bytes of the page
_LOG_RATIO = 12.0  # a range this wide hides its lower end on a linear axis
MOST_NAMED = 6  # points; of more only the front has its names, and a legend has the others
_WIDTH, _HEIGHT = 5.7, 3.9


@dataclass(frozen=True, slots=True)
class Span:
    """An estimate with its interval; without one where there is too little data to hold it."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One arm: what it costs on ``x`` (money, seconds; more is worse), its quality on ``y``."""

    name: str
    series: int
    x: Span
    y: Span


@dataclass(frozen=True, slots=True)
class Curve:
    """All the values of one arm, in seconds, in any order."""

    name: str
    series: int
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Stack:
    """Parts of one bar, in the order of the chart's part names; ``total`` is its label."""

    name: str
    parts: tuple[float, ...]
    total: float


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points no other beats in both directions, cheapest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda p: (p.x.value, -p.y.value)):
        if not best or point.y.value > best[-1].y.value:
            best.append(point)
    return tuple(best)


def tradeoff(points: Sequence[Point], labels: tuple[str, str], text: ChartText) -> str:
    """Quality (0..1) against a price: the front is a line, what is off it is hollow.

    ``labels`` are those of x and y.
    """
    best = front(points)
    with canvas(_WIDTH, _HEIGHT) as drawing:
        axes = drawing.axes
        _draw_front(axes, best)
        for point in points:
            _draw_point(axes, point, on_front=point in best)
        _quality_axis(axes, points)
        _price_axis(axes, [end for p in points for end in _ends(p.x)])
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        _name_points(drawing, points, best if len(points) > MOST_NAMED else points)
        return drawing.html(text)


def ecdf(
    curves: Sequence[Curve],
    x_label: str,
    text: ChartText,
    *,
    y_label: str = "share of requests",
    limit: float | None = None,
    log: bool = False,
) -> str:
    """The share of requests that took at most so long. ``limit``: what they should keep."""
    with canvas(_WIDTH, _HEIGHT - 0.5) as drawing:
        axes = drawing.axes
        seen: list[float] = []
        for curve in curves:
            x, y = _steps(curve.values)
            seen += (x[0], x[-1])
            axes.step(
                x,
                y,
                where="post",
                color=palette.series(curve.series),
                linewidth=1.7,
                dashes=palette.dash(curve.series) or (None, None),
            )
        if limit is not None:
            draw_limit(axes, limit, upright=True)
            seen.append(limit)
        if log:
            log_axis(axes, min(v for v in seen if v > 0) / 1.25, max(seen) * 1.3)
        else:
            _price_axis(axes, seen)
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 0.9, 1]))
        axes.yaxis.set_major_formatter(FuncFormatter(_percent))
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        return drawing.html(text)


def stacks(bars: Sequence[Stack], colours: Sequence[str], x_label: str, text: ChartText) -> str:
    """Horizontal bars, the first on top; ``colours`` has one stand-in colour per part."""
    with canvas(_WIDTH, 0.9 + 0.42 * len(bars)) as drawing:
        axes = drawing.axes
        places = np.arange(len(bars))
        left = np.zeros(len(bars))
        for part, colour in enumerate(colours):
            widths = np.array([bar.parts[part] for bar in bars])
            axes.barh(places, widths, left=left, height=0.58, color=colour)
            left = left + widths
        for bar, at, end in zip(bars, places, left, strict=True):
            axes.annotate(
                f"{bar.total:,.0f}", (end, at), (4, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(places, drawing.labels([bar.name for bar in bars]))
        axes.tick_params(axis="y", labelcolor=palette.INK)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(0, (max(left, default=1.0) or 1.0) * 1.12)
        axes.xaxis.set_major_formatter(FuncFormatter(number))
        axes.set_xlabel(x_label)
        return drawing.html(text)


def draw_limit(axes: Axes, limit: float, *, upright: bool) -> None:
    """A dashed line at an objective, named where curves seldom are."""
    draw = axes.axvline if upright else axes.axhline
    draw(limit, color=palette.SOFT, linewidth=1.1, dashes=(3, 2.5))
    place = (limit, 0.03) if upright else (0.01, limit)
    along = axes.get_xaxis_transform() if upright else axes.get_yaxis_transform()
    axes.annotate(
        "objective",
        place,
        (4, 0) if upright else (0, 4),
        xycoords=along,
        textcoords="offset points",
        color=palette.SOFT,
    )


def _draw_front(axes: Axes, best: Sequence[Point]) -> None:
    axes.step(
        [p.x.value for p in best],
        [p.y.value for p in best],
        where="post",
        color=palette.SOFT,
        linewidth=1.1,
        dashes=(3, 2.5),
    )


def _draw_point(axes: Axes, point: Point, *, on_front: bool) -> None:
    colour = palette.series(point.series)
    axes.errorbar(
        point.x.value,
        point.y.value,
        xerr=reach(point.x),
        yerr=reach(point.y),
        fmt=palette.marker(point.series),
        color=colour,
        markersize=7.5,
        markerfacecolor=colour if on_front else palette.PAPER,
        markeredgewidth=1.4,
        elinewidth=1.3,
        capsize=0,
    )


def reach(span: Span) -> tuple[tuple[float], tuple[float]] | None:
    if span.low is None or span.high is None:
        return None
    return (max(0.0, span.value - span.low),), (max(0.0, span.high - span.value),)


def _ends(span: Span) -> list[float]:
    return [end for end in (span.low, span.value, span.high) if end is not None]


def _quality_axis(axes: Axes, points: Sequence[Point]) -> None:
    ends = [end for p in points for end in _ends(p.y)]
    low, high = min(ends), max(ends)
    margin = max(0.02, 0.08 * (high - low))
    axes.set_ylim(max(-0.02, low - margin), min(1.03, high + margin))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(_percent))


def _price_axis(axes: Axes, values: Sequence[float]) -> None:
    """Starts at zero, or is logarithmic where the range asks for it."""
    low, high = min(values), max(values)
    if low > 0 and high / low > _LOG_RATIO:
        log_axis(axes, low / 1.25, high * 1.3)
    else:
        axes.set_xlim(0, (high or 1.0) * 1.12)
    axes.xaxis.set_major_formatter(FuncFormatter(number))


def log_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(_round_numbers(low, high)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(number))


def _round_numbers(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, ... within the range, thinned to powers of ten where there are many."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    found = [digit * 10.0**p for p in powers for digit in (1, 2, 5)]
    found = [number for number in found if low <= number <= high]
    few = [10.0**p for p in powers if low <= 10.0**p <= high]
    return few if len(found) > 9 and len(few) > 2 else found  # noqa: PLR2004 - by eye


def _steps(values: Sequence[float]) -> tuple[list[float], list[float]]:
    ordered = np.sort(np.asarray(values, dtype=float))
    count = len(ordered)
    ranks = np.unique(np.linspace(1, count, min(count, _MOST_STEPS)).round().astype(int))
    x = [float(ordered[0]), *(float(ordered[rank - 1]) for rank in ranks)]
    return x, [0.0, *(float(rank / count) for rank in ranks)]


def _name_points(drawing: Canvas, points: Sequence[Point], named: Sequence[Point]) -> None:
    """Names stand beside their points where they cover least."""
    axes, figure = drawing.axes, drawing.figure
    figure.draw_without_rendering()  # until then nothing knows where it will be
    scale = 72 / figure.dpi

    def box(left: float, bottom: float, right: float, top: float, margin: float) -> Box:
        (x0, y0), (x1, y1) = axes.transData.transform([(left, bottom), (right, top)]) * scale
        return Box(x0 - margin, y0 - margin, x1 + margin, y1 + margin)

    names = drawing.labels([p.name for p in named])
    at = [box(p.x.value, p.y.value, p.x.value, p.y.value, 0) for p in named]
    spots = place(
        [(spot.left, spot.bottom) for spot in at],
        [len(name) for name in names],
        [bar for p in points for bar in _bars(p, box)],
        box(axes.get_xlim()[0], axes.get_ylim()[0], axes.get_xlim()[1], axes.get_ylim()[1], 0),
    )
    for name, point, spot in zip(names, named, spots, strict=True):
        axes.annotate(
            name,
            (point.x.value, point.y.value),
            (spot.x, spot.y),
            textcoords="offset points",
            ha=spot.align,
            va="center",
        )


def _bars(point: Point, box: Callable[[float, float, float, float, float], Box]) -> list[Box]:
    """What the point's marker and its two intervals cover."""
    x, y = point.x, point.y
    across, along = _ends(x), _ends(y)
    return [
        box(x.value, y.value, x.value, y.value, 5),
        box(across[0], y.value, across[-1], y.value, 1),
        box(x.value, along[0], x.value, along[-1], 1),
    ]


def _percent(value: float, _place: int | None = None) -> str:
    return f"{100 * value:.0f}%"


def number(value: float, _place: int | None = None) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"  # noqa: PLR2004 - thousands
