"""A load benchmark in one sentence, and what to know before believing it."""

from collections.abc import Iterator

from stepeval.analysis.load import load_label
from stepeval.analysis.load_values import ArmLoad, LoadSummary, Spread
from stepeval.analysis.load_words import client_state, headline
from stepeval.core.load import LoadPlan, Shape
from stepeval.core.record import Mode
from stepeval.report import wording
from stepeval.report.evidence import Estimate
from stepeval.report.load_marks import meaning, rests_on
from stepeval.report.view import Verdict

_MOST_NAMED = 2  # arms in the sentence; of more the fastest and the slowest
_LOST_SHARE = 0.01
_CUT_SHARE = 0.05
_METRICS = (("ttft", "TTFT"), ("e2e", "E2E"))  # what is not streamed has the second only


def load_verdict(summary: LoadSummary, plan: LoadPlan) -> Verdict:
    sentence, held = _sentence(summary, plan), headline(summary, plan)
    if held is not None:
        sentence = f"{held}. {sentence}"
    elif any(cell.pooled.answered for cell in summary.cells):
        state = client_state(summary, plan.shape)
        sentence = f"{sentence.removesuffix('.')}; {state}."
    return Verdict(sentence, tuple(_caveats(summary, plan)))


def reference_load(summary: LoadSummary) -> float | None:
    """The load the sentence and the distributions are of.

    The highest that every arm kept within the objectives, else that any did; without objectives
    the lowest knee; else the highest load.
    """
    if not summary.cells:
        return None
    highest = [curve.highest for curve in summary.curves]
    kept = [load for load in highest if load is not None]
    if kept:
        return min(kept) if len(kept) == len(highest) else max(kept)
    has_objectives = any(cell.pooled.in_time is not None for cell in summary.cells)
    knees = [curve.knee for curve in summary.curves if curve.knee is not None]
    if knees and not has_objectives:
        return min(knees)
    loads = [cell.load for cell in summary.cells]
    return min(loads) if has_objectives else max(loads)


def _sentence(summary: LoadSummary, plan: LoadPlan) -> str:
    load = reference_load(summary)
    if load is None:
        return "No request was measured: the run has no load that came to its steady part."
    cells = [cell for cell in summary.cells if cell.load == load]
    if not any(cell.pooled.answered for cell in cells):
        requests = wording.plural(sum(c.pooled.attempted for c in cells), "request")
        return f"At {load_label(load, plan.shape)} all {requests} failed; no time is measured."
    named = _named(cells)
    said = "; ".join(_of_arm(cell, summary, alone=len(cells) == 1) for cell in named)
    return f"At {load_label(load, plan.shape)}: {said}."


def _named(cells: list[ArmLoad]) -> list[ArmLoad]:
    if len(cells) <= _MOST_NAMED:
        return cells
    by_speed = sorted(cells, key=lambda cell: _shown(cell)[2].value or float("inf"))
    return [by_speed[0], by_speed[-1]]


def _shown(cell: ArmLoad) -> tuple[str, str, Estimate]:
    """The metric, the percentile and its estimate: the highest up to p95 that n can hold."""
    for name, label in _METRICS:
        found: Spread = cell.pooled.metrics[name]
        for percentile in ("p95", "p90", "p50"):
            estimate: Estimate = getattr(found, percentile)
            if estimate.value is not None:
                return label, percentile, estimate
    return "E2E", "p50", cell.pooled.metrics["e2e"].p50


def _of_arm(cell: ArmLoad, summary: LoadSummary, *, alone: bool) -> str:
    label, percentile, found = _shown(cell)
    arm = "" if alone else f"{cell.arm} has "
    value = wording.milliseconds(found.value)
    said = f"{arm}{label} {percentile} {value}"
    if found.low is not None and found.high is not None:
        ends = (wording.milliseconds(end) for end in (found.low, found.high))
        bounds = wording.span(*ends).removesuffix(value[value.index(" ") :])
        said += f" ({bounds})" if bounds else ""
    good = cell.pooled.good
    if good is None or good.value is None:
        return said
    what = "right and within the objectives" if summary.judged else "within the objectives"
    if cell.pooled.in_time is None:
        what = "right"
    return f"{said}, {wording.percent(good.value)} {what}"


def _caveats(summary: LoadSummary, plan: LoadPlan) -> Iterator[str]:
    if summary.info.mode is Mode.SIMULATED:
        yield "A simulator answered. The numbers show how the harness works, not what a model can."
    if summary.missing:
        runs = wording.plural(summary.missing, "planned load")
        yield f"The run is incomplete: {runs} did not run."
    if summary.outside:
        ended = ": another worker had ended its part" if plan.workers > 1 else ""
        requests = wording.plural(summary.outside, "request")
        yield f"{requests} belong to no load and are left out{ended}."
    yield from _about_limits(summary, plan)
    if any(rests_on(one.metric) for one in plan.objectives) and meaning(
        cell.pooled for cell in summary.cells
    ):
        yield (
            "Whether a request kept its time per token was judged by tokens that this client "
            "counted, where the server told none."
        )
    for cell in summary.cells:
        found = cell.pooled
        yield from _about_answers(cell, load_label(cell.load, plan.shape))
        if found.disbelieved:
            yield (
                f"{cell.arm} at {load_label(cell.load, plan.shape)}: the API told "
                f"{wording.plural(found.disbelieved, 'request')} more tokens than any text could "
                "hold; those counts are left out."
            )
        if found.failed / found.attempted >= _LOST_SHARE:
            kinds = ", ".join(f"{n:,} {kind}" for kind, n in found.failures.items())
            yield (
                f"{cell.arm} at {load_label(cell.load, plan.shape)}: "
                f"{wording.percent(found.failed / found.attempted)} of "
                f"{wording.plural(found.attempted, 'request')} failed ({kinds})."
            )


def _about_answers(cell: ArmLoad, load: str) -> Iterator[str]:
    """Times to the first answer are of those that have one: the slowest are the likeliest cut."""
    found = cell.pooled
    if found.answered and found.no_answer / found.answered >= _CUT_SHARE:
        yield (
            f"{cell.arm} at {load}: {wording.percent(found.no_answer / found.answered)} of the "
            "answers ended before any text of theirs; their time to it is not known."
        )


def _about_limits(summary: LoadSummary, plan: LoadPlan) -> Iterator[str]:
    if plan.shape is Shape.CLOSED:
        yield (
            "In a closed loop a slow server is asked less often: these times say what so many "
            "callers in turn would see, not what a given stream of requests would."
        )
    if len(summary.arms) > 1:
        yield "The load is that of all arms together; their requests were mixed at random."
