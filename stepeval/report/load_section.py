"""The part of the page that a load benchmark has and an evaluation has not."""

from collections.abc import Iterator

from stepeval.analysis.load import load_label
from stepeval.core.load import LoadPlan, Shape
from stepeval.report import load_tables, wording
from stepeval.report.load_bench import Bench
from stepeval.report.load_figures import against_load, over_time
from stepeval.report.load_marks import about_tokens
from stepeval.report.load_spreads import distributions
from stepeval.report.load_tokens import lengths_table
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
_NAMES = {
    "response": "response time",
    "thinking": "thinking time",
    "reasoning_tpot": "reasoning TPOT",
    "answer_tpot": "answer TPOT",
    **{name: name.upper() for name in ("ttfe", "ttft", "ttfr", "ttfa", "tpot", "e2e")},
}
_MOST_STAMPS = 3


def load_section(bench: Bench) -> LoadView:
    load = reference_load(bench.summary)
    return LoadView(
        lede=" ".join(filter(None, _ledes(bench))),
        stamp=tuple(_stamp(bench)),
        main=_main(bench),
        groups=tuple(group for group in _groups(bench, load) if group.charts),
        tables=tuple(_tables(bench)),
        certificate=load_tables.certificate_table(bench.summary, bench.plan),
        certificate_note=_certificate_note(bench),
    )


def load_facts(bench: Bench) -> Iterator[Fact]:
    """For the head of the page."""
    plan, summary = bench.plan, bench.summary
    loads = sorted({cell.load for cell in summary.cells})
    if loads:
        first, (last, unit) = f"{loads[0]:,.4g}", _parts(loads[-1], plan.shape)
        repeats = f", {plan.repeats} times each" if plan.repeats > 1 else ""
        yield Fact("Load", last if len(loads) == 1 else f"{first} to {last}", unit + repeats)
    attempted = sum(cell.pooled.attempted for cell in summary.cells)
    failed = sum(cell.pooled.failed for cell in summary.cells)
    yield Fact("Measured", f"{attempted:,}", f"of {bench.evidence.recorded:,} requests")
    yield Fact("Failed", f"{failed:,}", "of the measured ones")
    if plan.objectives and loads:
        known = [c.highest for c in summary.curves if c.highest is not None]
        who = "95% of every arm's requests" if len(summary.arms) > 1 else "95% of requests"
        if known and len(known) == len(summary.curves):
            best, unit = _parts(min(known), plan.shape)
            yield Fact("Within objectives to", best, f"{unit}, {who}")
        else:
            yield Fact("Within objectives to", "none", who)


def _parts(load: float, shape: Shape) -> tuple[str, str]:
    """A load's number and its unit."""
    number, _, unit = load_label(load, shape).partition(" ")
    return number, unit


def _ledes(bench: Bench) -> tuple[str, ...]:
    return _lede(bench.plan), about_tokens(bench.summary, bench.plan), _about_cache(bench)


def _lede(plan: LoadPlan) -> str:
    bounds = []
    if plan.requests is not None:
        bounds.append(wording.plural(plan.requests, "request"))
    if plan.duration_s is not None:
        bounds.append(wording.duration(plan.duration_s))
    lasts = f" Each load lasts {' or '.join(bounds)}, after" if bounds else " Each load begins with"
    said = [f"{_SHAPES[plan.shape]}.{lasts} a warm-up of {plan.warmup}."]
    if plan.objectives:
        limits = ", ".join(
            f"{_NAMES.get(one.metric, one.metric)} {wording.milliseconds(one.limit_ms)}"
            for one in plan.objectives
        )
        said.append(f"Objectives: {limits}.")
    if plan.search:
        said.append("The loads were chosen on the way, to find the highest within them.")
    if plan.unique_prefix:
        said.append("Every prompt begins with text of its own, so no cache could help.")
    return " ".join(said)


def _stamp(bench: Bench) -> Iterator[str]:
    """A line a load, the highest first: there the client is nearest to its limit."""
    limited = [one for one in bench.summary.certificates[::-1] if one.limits]
    for one in limited[:_MOST_STAMPS]:
        yield f"At {load_label(one.load, bench.plan.shape)}: {'; '.join(one.limits)}."
    if len(limited) > _MOST_STAMPS:
        more = wording.plural(len(limited) - _MOST_STAMPS, "load")
        yield f"{more} more, in the certificate below."


def _about_cache(bench: Bench) -> str:
    """Where there is no table of it."""
    caches = [cell.pooled.cache for cell in bench.summary.cells]
    if any(cache.warm.n for cache in caches):
        return ""
    if any(cache.cold.n for cache in caches):
        return "The API says that nothing of any prompt came from its cache."
    return "The API does not say what of a prompt came from its cache." if caches else ""


def _main(bench: Bench) -> tuple[Table, ...]:
    """None where nothing was measured."""
    if not bench.summary.cells:
        return ()
    return (load_tables.cost_of_load(bench.summary, bench.evidence, bench.plan),)


def _tables(bench: Bench) -> Iterator[Table]:
    summary, evidence, plan = bench.summary, bench.evidence, bench.plan
    for make in (
        load_tables.stages_table,
        lengths_table,
        load_tables.cache_table,
        load_tables.between_table,
    ):
        table = make(summary, evidence, plan)
        if table is not None:
            yield table


def _groups(bench: Bench, load: float | None) -> Iterator[ChartGroup]:
    yield ChartGroup("Against the load", tuple(against_load(bench)))
    if load is not None:
        cells = bench.summary.cells
        alone = len({cell.arm for cell in cells}) == 1 and len(cells) > 1
        at = "At each load" if alone else f"At {load_label(load, bench.plan.shape)}"
        yield ChartGroup(at, tuple(distributions(bench, load)))
    yield ChartGroup("Over time", tuple(over_time(bench)))


def _certificate_note(bench: Bench) -> str:
    if bench.summary.client_limited:
        return (
            "This client did not keep up everywhere; what it measured there may be its own limit."
        )
    if any(one.too_short for one in bench.summary.certificates):
        return "Windows of less than a second are too short to tell whether this client kept up."
    if bench.summary.certificates:
        return "This client kept up: what was measured is the server and the way to it."
    return "Nothing was measured."
