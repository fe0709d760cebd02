"""The part of the page that a load benchmark has and an evaluation has not."""

from collections.abc import Iterator

from stepeval.analysis.load import load_label
from stepeval.core.load import LoadPlan, Shape
from stepeval.report import load_tables, wording
from stepeval.report.load_bench import Bench
from stepeval.report.load_figures import against_load, over_time
from stepeval.report.load_spreads import distributions
from stepeval.report.load_verdict import reference_load
from stepeval.report.view import ChartGroup, Fact, LoadView, Table

_SHAPES = {
    Shape.CLOSED: "A closed loop: the next request leaves when one has ended",
    Shape.CONSTANT: "An open loop: requests are due at even times, whether answers come or not",
    Shape.POISSON: "An open loop: requests are due at random times (Poisson), whether answers "
    "come or not",
    Shape.GAMMA: "An open loop: requests are due at random times in bursts (gamma), whether "
    "answers come or not",
    Shape.RAMP: "An open loop: requests are due at a rate that rises, whether answers come or not",
    Shape.REPLAY: "An open loop: requests are due as they were in a recorded trace",
}


def load_section(bench: Bench) -> LoadView:
    load = reference_load(bench.summary)
    return LoadView(
        lede=_lede(bench.plan),
        stamp=bench.summary.client_limited,
        tables=tuple(_tables(bench)),
        groups=tuple(group for group in _groups(bench, load) if group.charts),
        certificate=load_tables.certificate_table(bench.summary, bench.plan),
        certificate_note=_certificate_note(bench),
    )


def load_facts(bench: Bench) -> Iterator[Fact]:
    """For the head of the page."""
    plan, summary = bench.plan, bench.summary
    loads = sorted({cell.load for cell in summary.cells})
    if loads:
        repeats = f"{plan.repeats} times each" if plan.repeats > 1 else ""
        first, last = f"{loads[0]:,.4g}", load_label(loads[-1], plan.shape)
        yield Fact("Load", last if len(loads) == 1 else f"{first} to {last}", repeats)
    attempted = sum(cell.pooled.attempted for cell in summary.cells)
    failed = sum(cell.pooled.failed for cell in summary.cells)
    yield Fact("Measured", f"{attempted:,}", f"of {bench.evidence.recorded:,} requests")
    yield Fact("Failed", f"{failed:,}", "of the measured ones")
    if plan.objectives and loads:
        known = [c.highest for c in summary.curves if c.highest is not None]
        note = "every arm, 95% of requests" if len(summary.arms) > 1 else "95% of requests"
        every = len(known) == len(summary.curves)
        best = load_label(min(known), plan.shape) if every and known else "none measured"
        yield Fact("Highest within objectives", best, note)


def _lede(plan: LoadPlan) -> str:
    bounds = []
    if plan.requests is not None:
        bounds.append(wording.plural(plan.requests, "request"))
    if plan.duration_s is not None:
        bounds.append(wording.duration(plan.duration_s))
    bounded = f", each for {' or '.join(bounds)}" if bounds else ""
    said = [f"{_SHAPES[plan.shape]}{bounded}. Warm-up of {plan.warmup} is left out."]
    if plan.objectives:
        limits = ", ".join(
            f"{one.metric} {wording.milliseconds(one.limit_ms)}" for one in plan.objectives
        )
        said.append(f"Objectives: {limits}.")
    if plan.search:
        said.append("The loads were chosen on the way, to find the highest within them.")
    if plan.unique_prefix:
        said.append("Every prompt begins with text of its own, so no cache could help.")
    if plan.vocabulary:
        said.append(f"Tokens are counted by this client with {plan.vocabulary}, not by the server.")
    return " ".join(said)


def _tables(bench: Bench) -> Iterator[Table]:
    summary, evidence, plan = bench.summary, bench.evidence, bench.plan
    if summary.cells:
        yield load_tables.cost_of_load(summary, evidence, plan)
    for make in (load_tables.stages_table, load_tables.cache_table, load_tables.between_table):
        table = make(summary, evidence, plan)
        if table is not None:
            yield table


def _groups(bench: Bench, load: float | None) -> Iterator[ChartGroup]:
    yield ChartGroup("Against the load", tuple(against_load(bench)))
    if load is not None:
        alone = len({cell.arm for cell in bench.summary.cells}) == 1
        at = "At each load" if alone else f"At {load_label(load, bench.plan.shape)}"
        yield ChartGroup(at, tuple(distributions(bench, load)))
    yield ChartGroup("Over time", tuple(over_time(bench)))


def _certificate_note(bench: Bench) -> str:
    if bench.summary.client_limited:
        return (
            "This client did not keep up everywhere; what it measured there may be its own limit."
        )
    if bench.summary.certificates:
        return "This client kept up: what was measured is the server and the way to it."
    return "Nothing was measured."
