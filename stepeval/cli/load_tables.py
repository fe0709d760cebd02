"""A load benchmark's figures on a terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from stepeval.cli.fitted import Column, print_fitted
from stepeval.cli.terminal import counted, one_line, plain
from stepeval.core.load import LoadPlan, Shape

if TYPE_CHECKING:
    from stepeval.api.load_summary import (
        ArmLoad,
        Certificate,
        Estimate,
        Figures,
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
    for certificate in summary.certificates:
        click.echo(plain(_certificate_line(certificate, plan)))
    if summary.client_limited:
        click.echo("\nCLIENT-LIMITED: these numbers may be this client's, not the server's")
        for reason in summary.client_limited:
            click.echo(plain(f"  {reason}"))


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
            best = "no load" if curve.highest is None else _load(curve.highest, plan.shape)
            yield f"{arm}: highest load within {limits} (95% of requests): {best}"
    if summary.outside:
        yield f"{summary.outside:,} requests belong to no measured load and are left out"


def _certificate_line(found: "Certificate", plan: LoadPlan) -> str:
    stamps = ", ".join(f"{n:,} {kind}" for kind, n in found.stamps.items()) or "none"
    parts = [
        f"loop lag {_tail(found.loop_lag)}",
        f"schedule lag {_tail(found.lag)}",
        f"cpu {_percent(found.cpu_share)}",
        f"coalesced {_percent(found.coalesced_share)}",
        f"stamps {stamps}",
        f"{'/'.join(found.transports) or 'unknown'} transport",
        f"ceiling {_percent(found.of_ceiling)}",
        f"n holds {found.holds or 'nothing'}",
    ]
    if found.too_short:
        parts.append("window too short to tell whether the client kept up")
    return f"client, {_load(found.load, plan.shape)}: {'; '.join(parts)}"


def _load(load: float, shape: Shape) -> str:
    if shape is Shape.CLOSED:
        return f"{load:,.4g} in flight"
    return f"{load:,.4g}x" if shape is Shape.REPLAY else f"{load:,.4g}/s"


def _tail(found: "Spread") -> str:
    """The highest percentile that n holds; the longest where it holds none above the median."""
    for name in ("p99", "p95", "p90"):
        estimate: Estimate = getattr(found, name)
        if estimate.value is not None:
            return f"{name} {_milliseconds(estimate.value)} ms"
    return "unknown" if found.longest is None else f"max {_milliseconds(found.longest)} ms"


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
