"""A load benchmark's figures on a terminal."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from stepeval.cli.fitted import Column, print_fitted
from stepeval.cli.terminal import one_line, plain
from stepeval.core.load import LoadPlan, Shape

if TYPE_CHECKING:
    from stepeval.api.load_summary import ArmLoad, Certificate, Estimate, LoadSummary, Spread

_NOTHING = "-"
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
    ("goodput", "left"),
)
_LEAST_NEEDED_FIRST = (4, 8, 12, 11, 9, 13, 5, 10, 6, 14)
_ARM = 0  # of one arm, the lines below name it
_DUE, _RESPONSE = 4, 12  # say nothing in a closed loop, where requests wait for answers


def print_load(summary: "LoadSummary") -> None:
    """Each arm under each load, then how the client fared, and whether it was the limit."""
    info, plan = summary.info, summary.info.load
    click.echo(plain(f"{info.mode}  {info.suite_name}  {info.id}"))
    if plan is None or not summary.cells:
        click.echo("no request was measured")
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
        "times in ms, of answered requests; goodput: within every objective"
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
        _time(tpot, "p50"),
        _time(e2e, "p50"),
        _time(e2e, "p95"),
        _time(found.metrics["response"], "p95"),
        _NOTHING if found.tokens_per_s is None else f"{found.tokens_per_s:,.0f}",
        _share(found.good),
    )


def _findings(summary: "LoadSummary", plan: LoadPlan) -> Iterator[str]:
    for cell in summary.cells:
        if cell.pooled.failures:
            kinds = ", ".join(f"{n:,} {kind}" for kind, n in cell.pooled.failures.items())
            where = f"{one_line(cell.arm, 40)} at {_load(cell.load, plan.shape)}"
            yield f"failed, {where}: {kinds}"
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


def _rate(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 -- three digits


def _share(found: "Estimate | None") -> str:
    if found is None or found.value is None:
        return _NOTHING
    if found.low is None or found.high is None:
        return f"{found.value:.1%}"
    return f"{found.value:.1%} ({found.low * 100:.1f} to {found.high * 100:.1f})"


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"
