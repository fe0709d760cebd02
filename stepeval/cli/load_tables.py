"""A load benchmark's figures on a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from stepeval.cli.fitted import Column, print_fitted
from stepeval.cli.terminal import counted, one_line, plain
from stepeval.core.load import LoadPlan, Shape, Verdict

if TYPE_CHECKING:
    from stepeval.api.load_summary import (
        ArmLoad,
        Certificate,
        Curve,
        Estimate,
        Figures,
        Holding,
        Length,
        LoadSummary,
        Spread,
    )

_NOTHING = "-"
_HERE = "~"  # before what rests on tokens counted here
_COLUMNS: tuple[Column, ...] = (
    ("arm", "left"),
    ("load", "right"),
    ("n", "right"),
    ("failed", "right"),
    ("due/s", "right"),
    ("answered/s", "right"),
    ("TTFT p50", "right"),
    ("TTFT p95", "right"),
    ("TTFT p99", "right"),
    ("TPOT p50", "right"),
    ("E2E p50", "right"),
    ("E2E p95", "right"),
    ("response p95", "right"),
    ("tokens/s", "right"),
    ("tokens in", "right"),
    ("tokens out", "right"),
    ("goodput", "left"),
)
_LEAST_NEEDED_FIRST = (4, 8, 14, 12, 11, 9, 15, 13, 5, 10, 6, 16)
_ARM = 0  # of one arm, the lines below name it
_DUE, _RESPONSE = 4, 12  # say nothing in a closed loop, where requests wait for answers


def print_load(summary: "LoadSummary") -> None:
    """Each arm under each load, then how the client fared, and whether it was the limit."""
    info, plan = summary.info, summary.info.load
    click.echo(plain(f"{info.mode}  {info.suite_name}  {info.id}"))
    if plan is None or not summary.cells:
        click.echo(_without_cells(summary))
        return
    if summary.missing:
        click.echo(f"incomplete: {summary.missing} of the planned loads did not run")
    _print_cells(summary, plan)
    for line in _findings(summary, plan):
        click.echo(plain(line))
    for line in _about_client(summary, plan):
        click.echo(plain(line))


def _without_cells(summary: "LoadSummary") -> str:
    if not summary.recorded:
        return "no request was measured"
    return f"{counted(summary.recorded, 'request')} recorded, no load finished: none is measured"


def _print_cells(summary: "LoadSummary", plan: LoadPlan) -> None:
    hidden = (_DUE, _RESPONSE) if plan.shape is Shape.CLOSED else ()
    if len(summary.arms) == 1:
        hidden = (_ARM, *hidden)
    kept = [place for place in range(len(_COLUMNS)) if place not in hidden]
    rows = [_cells(cell, plan) for cell in summary.cells]
    print_fitted(
        [_COLUMNS[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        [kept.index(place) for place in _LEAST_NEEDED_FIRST if place in kept],
        "times in ms, of answered requests; tokens in and out: a request's mean"
        + (", of what was asked for" if _is_asked(summary) else "")
        + "; goodput: within every objective"
        + (" and right" if summary.judged else "")
        + ", of all that were due, 95%",
    )


def _cells(cell: "ArmLoad", plan: LoadPlan) -> tuple[str, ...]:
    found = cell.pooled
    ttft, tpot, e2e = (found.metrics[name] for name in ("ttft", "tpot", "e2e"))
    return (
        one_line(found.arm, 40),
        _load(found.load, plan.shape),
        f"{found.attempted:,}",
        f"{found.failed:,}",
        _rate(found.due_rate),
        _rate(found.done_rate),
        _time(ttft, "p50"),
        _time(ttft, "p95"),
        _time(ttft, "p99"),
        _by(found, _time(tpot, "p50")),
        _time(e2e, "p50"),
        _time(e2e, "p95"),
        _time(found.metrics["response"], "p95"),
        _by(found, _NOTHING if found.tokens_per_s is None else f"{found.tokens_per_s:,.0f}"),
        _length(found.lengths["input"]),
        _length(found.lengths["output"]),
        _share(found.good),
    )


def _is_asked(summary: "LoadSummary") -> bool:
    lengths = [one for cell in summary.cells for one in cell.pooled.lengths.values()]
    return any(one.asked is not None for one in lengths)


def _by(found: "Figures", figure: str) -> str:
    """A figure that rests on counts of tokens, marked where some were made here."""
    return f"{_HERE}{figure}" if found.counted.here and figure[0].isdigit() else figure


def _length(found: "Length") -> str:
    if found.mean is None:
        return _NOTHING
    asked = "" if found.asked is None else f" of {found.asked:,.0f}"
    return f"{_HERE if found.here else ''}{found.mean:,.0f}{asked}"


def _has_own(found: "Figures") -> bool:
    return bool(found.counted.here) or any(one.here for one in found.lengths.values())


def _about_tokens(summary: "LoadSummary", plan: LoadPlan) -> Iterator[str]:
    """What the mark means, and where only some of the figures' counts were made here."""
    if not any(_has_own(cell.pooled) for cell in summary.cells):
        return
    yield (
        f"{_HERE} rests on tokens counted here with {plan.vocabulary}, not by the server; "
        "when each came is estimated by the characters in each chunk"
    )
    for cell in summary.cells:
        by = cell.pooled.counted
        if by.here and (by.provider or by.nobody):
            yield (
                f"tokens, {one_line(cell.arm, 40)} at {_load(cell.load, plan.shape)}: "
                f"{by.provider:,} answers counted by the server, {by.here:,} here, "
                f"{by.nobody:,} by nobody"
            )


def _findings(summary: "LoadSummary", plan: LoadPlan) -> Iterator[str]:
    yield from _about_tokens(summary, plan)
    for cell in summary.cells:
        where = f"{one_line(cell.arm, 40)} at {_load(cell.load, plan.shape)}"
        if cell.pooled.failures:
            kinds = ", ".join(f"{n:,} {kind}" for kind, n in cell.pooled.failures.items())
            yield f"failed, {where}: {kinds}"
        if cell.pooled.disbelieved:
            requests = counted(cell.pooled.disbelieved, "request")
            yield f"tokens, {where}: {requests} with more than any text could hold; left out"
    for curve in summary.curves:
        arm = one_line(curve.arm, 40)
        if curve.knee is not None:
            yield f"{arm}: the knee is at {_load(curve.knee, plan.shape)}"
        if plan.objectives:
            limits = ", ".join(f"{one.metric} {one.limit_ms:g} ms" for one in plan.objectives)
            yield f"{arm}: highest load within {limits} (95% of requests): {_bracket(curve, plan)}"
    if summary.outside:
        ended = ": another worker had ended its part" if plan.workers > 1 else ""
        yield f"{summary.outside:,} requests belong to no measured load and are left out{ended}"


def _bracket(curve: "Curve", plan: LoadPlan) -> str:
    """Between which loads it lies, and what is known of both."""

    def told(held: "Holding") -> str:
        verdict = "not kept" if held.verdict is Verdict.BROKEN else held.verdict
        share = "" if held.verdict is Verdict.KEPT else f" by {_share(held.in_time)}"
        return f"{_load(held.load, plan.shape)} ({verdict}{share}, n = {held.in_time.n:,})"

    if curve.best is not None and curve.missed is not None:
        return f"between {told(curve.best)} and {told(curve.missed)}"
    if curve.best is not None:
        return f"{told(curve.best)}, the highest that was tried"
    return "no load" if curve.missed is None else f"no load; {told(curve.missed)}"


def _about_client(summary: "LoadSummary", plan: LoadPlan) -> Iterator[str]:
    """One line where it kept up all along; else the loads where it did not, and why."""
    limited = [one for one in summary.certificates if one.limits]
    if not limited:
        unknown = any(one.too_short for one in summary.certificates)
        yield _certificate_line(summary.certificates, "client" if unknown else "client kept up")
        return
    yield "CLIENT-LIMITED, load by load:"
    for one in limited:
        yield _certificate_line([one], f"  at {_load(one.load, plan.shape)}")
        for reason in one.limits:
            yield f"    {reason}"


def _certificate_line(several: Sequence["Certificate"], who: str) -> str:
    """Of each figure the one that tells most against the client."""
    counts: Counter[str] = sum((Counter(one.stamps) for one in several), Counter())
    stamps = ", ".join(f"{n:,} {kind}" for kind, n in counts.items()) or "none"
    transports = dict.fromkeys(name for one in several for name in one.transports)
    parts = [
        f"loop lag {_tail([one.loop_lag for one in several])}",
        f"schedule lag {_tail([one.lag for one in several])}",
        f"cpu {_percent(_most(one.cpu_share for one in several))}",
        f"coalesced {_percent(_most(one.coalesced_share for one in several))}",
        f"stamps {stamps}",
        f"{'/'.join(transports) or 'unknown'} transport",
        f"ceiling {_percent(_most(one.of_ceiling for one in several))}",
        f"n holds {_least_held(several)}",
    ]
    if any(one.too_short for one in several):
        parts.append("window too short to tell whether the client kept up")
    return f"{who}: {'; '.join(parts)}"


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _least_held(several: Sequence["Certificate"]) -> str:
    order = ("p99", "p95", "p90", "p50")
    held = (one.holds for one in several)
    return max(held, key=lambda q: order.index(q) if q else len(order)) or "nothing"


def _load(load: float, shape: Shape) -> str:
    if shape is Shape.CLOSED:
        return f"{load:,.4g} in flight"
    return f"{load:,.4g}x" if shape is Shape.REPLAY else f"{load:,.4g}/s"


def _tail(several: Sequence["Spread"]) -> str:
    """The highest percentile that each n holds; the longest where one holds none above the median.
    Of several the worst.
    """
    for name in ("p99", "p95", "p90"):
        estimates: list[Estimate] = [getattr(found, name) for found in several]
        values = [one.value for one in estimates if one.value is not None]
        if values and len(values) == len(several):
            return f"{name} {_milliseconds(max(values))} ms"
    longest = _most(found.longest for found in several)
    return "unknown" if longest is None else f"max {_milliseconds(longest)} ms"


def _time(found: "Spread", name: str) -> str:
    """A percentile that n cannot hold says so, in place of a figure."""
    estimate: Estimate = getattr(found, name)
    if estimate.value is None:
        return "n too small" if estimate.n else _NOTHING
    return _milliseconds(estimate.value)


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"  # noqa: PLR2004 -- three digits


def _rate(value: float | None) -> str:
    if value is None:
        return _NOTHING
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 -- three digits


def _share(found: "Estimate | None") -> str:
    if found is None or found.value is None:
        return _NOTHING
    if found.low is None or found.high is None:
        return f"{found.value:.1%}"
    return f"{found.value:.1%} ({found.low * 100:.1f} to {found.high * 100:.1f})"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"
