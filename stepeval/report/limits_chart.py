"""The requests that were allowed in flight and those that were, over time; refusals marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import FuncFormatter, MaxNLocator

from stepeval.report import palette
from stepeval.report.canvas import ChartText, canvas
from stepeval.report.charts import number

_WIDTH, _HEIGHT = 5.7, 3.0
_FOOT = 0.03


@dataclass(frozen=True, slots=True)
class Held:
    """Times in seconds since the run began. ``allowed``: from each time on, so many; ``used``: on
    average around each time; ``refused``: when a request was.
    """

    allowed: Sequence[tuple[float, float]]
    used: Sequence[tuple[float, float]]
    refused: Sequence[float]
    end: float


def limits_chart(held: Held, text: ChartText) -> str:
    with canvas(_WIDTH, _HEIGHT) as drawing:
        axes = drawing.axes
        steps = [*held.allowed, (held.end, held.allowed[-1][1])]
        axes.plot(
            [at for at, _ in steps],
            [level for _, level in steps],
            color=palette.SOFT,
            linewidth=1.2,
            drawstyle="steps-post",
            dashes=(4, 2),
        )
        axes.plot(
            [at for at, _ in held.used],
            [busy for _, busy in held.used],
            color=palette.series(0),
            linewidth=1.5,
        )
        axes.plot(
            held.refused,
            [_FOOT] * len(held.refused),
            "x",
            transform=axes.get_xaxis_transform(),
            color=palette.series(1),
            markersize=3.5,
            markeredgewidth=1.2,
        )
        axes.set_xlim(0, held.end)
        axes.set_ylim(0, 1.1 * max(level for _, level in [*held.allowed, *held.used]))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(number))
        axes.xaxis.set_major_formatter(FuncFormatter(number))
        axes.grid(visible=False, axis="x")
        axes.set_xlabel("seconds since the first limit came into force")
        axes.set_ylabel("requests in flight")
        return drawing.html(text)
