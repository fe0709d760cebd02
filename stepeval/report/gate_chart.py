"""A procedure's looks, drawn: the statistics against their bounds, and the repeated intervals."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from stepeval.analysis.looks import Look
from stepeval.report import palette
from stepeval.report.canvas import ChartText, canvas
from stepeval.report.charts import number

_WIDTH, _HEIGHT = 5.7, 3.2
SAFE, DROP = 0, 1  # colours of the two claims


def statistics_chart(looks: Sequence[Look], text: ChartText) -> str:
    """Each claim's statistic is solid and its bound dashed: it stops where one lies above."""
    with canvas(_WIDTH, _HEIGHT) as drawing:
        axes = drawing.axes
        items = [look.items for look in looks]
        for series, values, bounds in (
            (SAFE, [look.safe for look in looks], [look.safe_bound for look in looks]),
            (DROP, [look.drop for look in looks], [look.drop_bound for look in looks]),
        ):
            colour = palette.series(series)
            axes.plot(items, bounds, color=colour, linewidth=1.2, dashes=(4, 2))
            axes.plot(items, bounds, "_", color=colour, markersize=11, markeredgewidth=1.2)
            told = [(x, y) for x, y in zip(items, values, strict=True) if y is not None]
            axes.plot(
                [x for x, _ in told],
                [y for _, y in told],
                color=colour,
                linewidth=1.7,
                marker=palette.marker(series),
                markersize=5,
            )
        _items_axis(axes, items)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))  # 0: nothing speaks for the claim
        axes.set_ylabel("statistic")
        return drawing.html(text)


def intervals_chart(looks: Sequence[Look], margin: float, text: ChartText) -> str:
    """The change in points with its repeated interval; lines at no change and at the margin."""
    with canvas(_WIDTH, _HEIGHT) as drawing:
        axes = drawing.axes
        for look in looks:
            if look.change is None:
                continue
            centre = 100 * look.change
            if look.low is not None and look.high is not None:
                ends = [100 * look.low, 100 * look.high]
                axes.plot([look.items] * 2, ends, color=palette.series(SAFE), linewidth=1.6)
            axes.plot(look.items, centre, "o", color=palette.series(SAFE), markersize=5.5)
        axes.axhline(0, color=palette.SOFT, linewidth=1.0)
        axes.axhline(-100 * margin, color=palette.SOFT, linewidth=1.1, dashes=(3, 2.5))
        axes.annotate(
            "margin",
            (0.01, -100 * margin),
            (4, 4),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            color=palette.SOFT,
        )
        _items_axis(axes, [look.items for look in looks])
        axes.set_ylabel("points against the baseline")
        return drawing.html(text)


def race_chart(items: Sequence[int], scores: Mapping[str, Sequence[float]], text: ChartText) -> str:
    """By arm the mean score after each round that it ran, of 100."""
    with canvas(_WIDTH, _HEIGHT) as drawing:
        axes = drawing.axes
        for place, values in enumerate(scores.values()):
            axes.plot(
                items[: len(values)],
                [100 * value for value in values],
                color=palette.series(place),
                linewidth=1.7,
                marker=palette.marker(place),
                markersize=4.5,
                dashes=palette.dash(place) or (None, None),
            )
        _items_axis(axes, items)
        axes.set_ylabel("mean score so far")
        return drawing.html(text)


def _items_axis(axes: Axes, items: Sequence[int]) -> None:
    axes.set_xlim(0, 1.08 * max(items))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(number))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axes.set_xlabel("items asked")
