"""What the run was held to: a chart for each provider, and every change in numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from stepeval.analysis.steadiness import latency_fitness
from stepeval.core.chat import Failure, FailureKind
from stepeval.core.limits import LimitChange
from stepeval.core.ports import RecordReader
from stepeval.report import palette
from stepeval.report.canvas import ChartText
from stepeval.report.limits_chart import Held, limits_chart
from stepeval.report.view import Chart, Column, Key, Table, TableCell

_BINS = 120
_MOST_ROWS = 60
_NS_PER_S = 1e9
_KINDS = {
    "concurrency": "requests in flight",
    "requests_per_minute": "requests a minute",
    "tokens_per_minute": "tokens a minute",
}
_WHY = {
    "known": "given, or where it starts",
    "refused": "a request was refused",
    "grown": "used to the full without a refusal",
    "told": "the server said so",
    "kept": "as it was before the run was resumed",
}


@dataclass(slots=True)
class _Spans:
    """When a provider's requests began and ended, and when some were refused, in seconds."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)


def limits_figures(reader: RecordReader) -> Iterator[Chart]:
    """None for a run that knows nothing of its limits, as those of older versions.

    A run that was resumed is drawn from its first start on, its pause included.
    """
    changes = reader.limit_changes()
    if not changes:
        return
    spans = _spans(reader)
    for place, provider in enumerate(dict.fromkeys(change.provider for change in changes)):
        own = [change for change in changes if change.provider == provider]
        seen = spans.get(provider)
        if seen is not None and any(change.kind == "concurrency" for change in own):
            moved = latency_fitness(own, reader.info()) is not None
            yield _chart(place, provider, own, seen, moved=moved)


def _spans(reader: RecordReader) -> dict[str, _Spans]:
    found: dict[str, _Spans] = {}
    for record in reader.records():
        seen = found.setdefault(record.cell.arm.provider, _Spans())
        for attempt in record.attempts:
            end = attempt.started_at + (attempt.ended_ns - attempt.started_ns) / _NS_PER_S
            seen.spans.append((attempt.started_at, end))
            result = attempt.exchange.result
            if isinstance(result, Failure) and result.kind is FailureKind.RATE_LIMIT:
                seen.refused.append(end)
    return found


def _chart(
    place: int, provider: str, changes: Sequence[LimitChange], seen: _Spans, *, moved: bool
) -> Chart:
    begin = changes[0].at
    end = max(0.001, *(stop - begin for _, stop in seen.spans))
    held = Held(
        [(c.at - begin, c.level) for c in changes if c.kind == "concurrency"],
        _busy(seen.spans, begin, end),
        [at - begin for at in seen.refused],
        end,
    )
    caption = (
        f"How many requests to {provider} were allowed in flight (dashed), and how many were "
        f"(solid, the mean of each {end / _BINS:,.2g} s). A cross marks a refusal (429): "
        f"{len(seen.refused):,} of {len(seen.spans):,} attempts."
    )
    if moved:
        caption += " Latencies of this run were taken while the load changed: compare none of them."
    name = f"limits{place}"
    text = ChartText(name, "Requests allowed and in flight over time", caption)
    return Chart(
        id=name,
        title=f"Limits of {provider}",
        caption=caption,
        svg=limits_chart(held, text),
        table=_table(changes, begin),
        legend=(
            Key("allowed", "soft", "4 2"),
            Key("in flight", palette.series_name(0)),
            Key("refused", palette.series_name(1)),
        ),
    )


def _busy(
    spans: Sequence[tuple[float, float]], begin: float, end: float
) -> list[tuple[float, float]]:
    """The integral of requests in flight over each bin, by its width."""
    width = end / _BINS
    totals = [0.0] * _BINS
    for start, stop in spans:
        first, last = max(start - begin, 0.0), min(stop - begin, end)
        for number in range(int(first / width), min(int(last / width) + 1, _BINS)):
            low, high = number * width, (number + 1) * width
            totals[number] += max(0.0, min(last, high) - max(first, low))
    return [((number + 0.5) * width, total / width) for number, total in enumerate(totals)]


def _table(changes: Sequence[LimitChange], begin: float) -> Table:
    shown = changes[:_MOST_ROWS]
    rest = len(changes) - len(shown)
    more = f"; {rest:,} later changes are in the store" if rest else ""
    return Table(
        f"Limits in force{more}",
        (
            Column("From", help="since the first limit came into force"),
            Column("Limit", numeric=False),
            Column("Level"),
            Column("In use", help="by the same measure, at that moment"),
            Column("Why", numeric=False),
        ),
        tuple(
            (
                TableCell(f"{change.at - begin:,.1f} s"),
                TableCell(_KINDS.get(change.kind, change.kind)),
                TableCell(f"{change.level:,.0f}"),
                TableCell(f"{change.used:,.0f}"),
                TableCell(_WHY.get(change.why, change.why)),
            )
            for change in shown
        ),
    )
