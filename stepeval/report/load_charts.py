"""The charts of a load benchmark: against the load, over time, and gaps on a log axis."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stepeval.report import palette
from stepeval.report.canvas import ChartText, canvas
from stepeval.report.charts import Span, draw_limit, log_axis, number

_WIDTH, _HEIGHT = 5.7, 3.4
_LOG_RATIO = 12.0


@dataclass(frozen=True, slots=True)
class Trail:
    """One arm over its loads, rising: ``middle`` and ``tail`` of what is measured, None where n
    cannot hold it. ``knee``: the place of the load that is marked.
    """

    name: str
    series: int
    loads: Sequence[float]
    middle: Sequence[Span | None]
    tail: Sequence[Span | None] = ()
    knee: int | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """One arm over time, a piece a phase: the middle of each bin in seconds, and its value if it
    has one. ``failed``: the middles of bins with a failure.
    """

    name: str
    series: int
    pieces: Sequence[Sequence[tuple[float, float | None]]]
    failed: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A phase on the time axis: ``label`` stands above its steady part."""

    begin: float
    steady: float
    end: float
    label: str


def against_load(
    trails: Sequence[Trail], labels: tuple[str, str], text: ChartText, limit: float | None = None
) -> str:
    """``labels`` are those of x and y. ``limit``: an objective, drawn across."""
    with canvas(_WIDTH, _HEIGHT) as drawing:
        axes = drawing.axes
        for trail in trails:
            _draw_trail(axes, trail)
        if limit is not None:
            draw_limit(axes, limit, upright=False)
        _load_axis(axes, [load for trail in trails for load in trail.loads])
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(number))
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        return drawing.html(text)


def over_time(
    courses: Sequence[Course], stretches: Sequence[Stretch], y_label: str, text: ChartText
) -> str:
    """Warm-up is shaded; a cross at the foot marks a stretch with a failed request."""
    with canvas(_WIDTH, _HEIGHT) as drawing:
        axes = drawing.axes
        pieces = [piece for course in courses for piece in course.pieces]
        values = [value for piece in pieces for _, value in piece if value is not None]
        top = 1.18 * max(values, default=1.0) or 1.0
        for stretch in stretches:
            axes.axvspan(stretch.begin, stretch.steady, color=palette.LINE, alpha=0.55, linewidth=0)
            if stretch is not stretches[0]:
                axes.axvline(stretch.begin, color=palette.LINE, linewidth=1)
        for place, course in enumerate(courses):
            _draw_course(axes, course, 0.03 + 0.035 * place)
        _name_stretches(axes, stretches, top)
        axes.set_xlim(stretches[0].begin, stretches[-1].end)
        axes.set_ylim(0, top)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(number))
        axes.xaxis.set_major_formatter(FuncFormatter(number))
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("seconds since the first request was due")
        axes.set_ylabel(y_label)
        return drawing.html(text)


def _draw_trail(axes: Axes, trail: Trail) -> None:
    colour, dashes = palette.series(trail.series), palette.dash(trail.series) or (None, None)
    for spans, width in ((trail.middle, 1.7), (trail.tail, 0.9)):
        pairs = [(x, s) for x, s in zip(trail.loads, spans, strict=False) if s is not None]
        if not pairs:
            continue
        loads, values = [x for x, _ in pairs], [s.value for _, s in pairs]
        axes.plot(loads, values, color=colour, linewidth=width, dashes=dashes)
        for x, span in pairs:
            low, high = span.low, span.high
            if low is not None and high is not None:
                axes.plot([x, x], [low, high], color=colour, linewidth=1.1)
        axes.plot(
            loads,
            values,
            palette.marker(trail.series),
            color=colour,
            markersize=4.5 if width > 1 else 3,
            markerfacecolor=colour if width > 1 else palette.PAPER,
        )
    _draw_knee(axes, trail, colour)


def _draw_knee(axes: Axes, trail: Trail, colour: str) -> None:
    span = None if trail.knee is None else trail.middle[trail.knee]
    if trail.knee is None or span is None:
        return
    at = (trail.loads[trail.knee], span.value)
    axes.plot(*at, "o", color=colour, markersize=12, markerfacecolor="none", markeredgewidth=1.3)
    axes.annotate(
        "knee",
        at,
        (0, -14),
        textcoords="offset points",
        ha="center",
        va="center",
        color=palette.INK,
    )


def _draw_course(axes: Axes, course: Course, foot: float) -> None:
    """Broken between phases, and where a bin has no value. ``foot``: the height of its crosses."""
    for piece in course.pieces:
        axes.plot(
            [at for at, _ in piece],
            [float("nan") if value is None else value for _, value in piece],
            color=palette.series(course.series),
            linewidth=1.5,
            dashes=palette.dash(course.series) or (None, None),
            marker=palette.marker(course.series) if len(piece) == 1 else None,
            markersize=4,
        )
    if course.failed:
        axes.plot(
            course.failed,
            [foot] * len(course.failed),
            "x",
            transform=axes.get_xaxis_transform(),
            color=palette.series(course.series),
            markersize=3.5,
            markeredgewidth=1.2,
        )


def _name_stretches(axes: Axes, stretches: Sequence[Stretch], top: float) -> None:
    """The load of each, or of every so many where they would touch."""
    every = 1 + (len(stretches) - 1) // 8
    for stretch in stretches[::every]:
        axes.annotate(
            stretch.label,
            ((stretch.steady + stretch.end) / 2, top),
            (0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            color=palette.SOFT,
            fontsize=8,
        )


def _load_axis(axes: Axes, loads: Sequence[float]) -> None:
    low, high = min(loads), max(loads)
    if low > 0 and high / low > _LOG_RATIO:
        log_axis(axes, low / 1.2, high * 1.2)
    else:
        axes.set_xlim(0, high * 1.08)
        axes.xaxis.set_major_formatter(FuncFormatter(number))
