"""A load benchmark in a sentence: what was held, and whether the client kept up. Pure."""

from collections.abc import Sequence

from stepeval.analysis.load_curve import WORST_FIRST
from stepeval.analysis.load_values import Curve, Holding, LoadSummary
from stepeval.core.load import LoadPlan, Shape, Verdict

_MS_PER_S = 1000
_NAMES = {"response": "response time", "thinking": "thinking time", "stall": "stall"}


def headline(summary: LoadSummary, plan: LoadPlan) -> str | None:
    """None where nothing was measured, or nothing was asked of it."""
    if not summary.cells or not any(curve.held for curve in summary.curves):
        return None
    return f"{_held(summary.curves, plan)}; {client_state(summary, plan.shape)}"


def client_state(summary: LoadSummary, shape: Shape) -> str:
    limited = [one.load for one in summary.certificates if one.limits]
    if not limited:
        return "the client kept up"
    if len(limited) == len(summary.certificates):
        return "CLIENT-LIMITED: these numbers may be this client's, not the server's"
    loads = ", ".join(load_label(load, shape) for load in limited)
    return f"client-limited at {loads}, and kept up elsewhere"


def objectives(plan: LoadPlan) -> str:
    return " and ".join(
        f"{_NAMES.get(one.metric, one.metric.upper())} {_time(one.limit_ms)}"
        for one in plan.objectives
    )


def load_label(load: float, shape: Shape) -> str:
    """A load in words, with its unit."""
    if shape is Shape.CLOSED:
        return f"{load:,.4g} in flight"
    if shape is Shape.REPLAY:
        return f"{load:,.4g}x as fast"
    return f"{load:,.4g} requests/s"


def _time(ms: float) -> str:
    return f"{ms:g} ms" if ms < _MS_PER_S else f"{ms / _MS_PER_S:g} s"


def _held(curves: Sequence[Curve], plan: LoadPlan) -> str:
    best = [curve.best for curve in curves]
    kept = [one for one in best if one is not None]
    if not kept:
        return _none_held([one for curve in curves for one in curve.held], plan)
    limits = objectives(plan)
    if len(kept) == len(best) and len({one.load for one in kept}) == 1:
        n = min(one.in_time.n for one in kept)
        return f"Holds {load_label(kept[0].load, plan.shape)} within {limits} (n = {n:,})"
    arms = ", ".join(f"{curve.arm}: {_held_by(curve, plan.shape)}" for curve in curves)
    return f"Held within {limits}: {arms}"


def _held_by(curve: Curve, shape: Shape) -> str:
    if curve.best is None:
        is_open = any(one.verdict is Verdict.UNCLEAR for one in curve.held)
        return "unclear" if is_open else "no load"
    return f"{load_label(curve.best.load, shape)} (n = {curve.best.in_time.n:,})"


def _none_held(held: Sequence[Holding], plan: LoadPlan) -> str:
    best = max(held, key=lambda one: (WORST_FIRST.index(one.verdict), one.in_time.value or 0.0))
    where = f"best {best.in_time.value or 0.0:.1%} at {load_label(best.load, plan.shape)}"
    if best.answered is not None and best.answered < 1:
        where += f", {best.answered:.1%} of the rate answered"
    if best.verdict is Verdict.UNCLEAR:
        return (
            f"No load was shown to keep {objectives(plan)}: {where}, "
            f"and n = {best.in_time.n:,} leaves it open"
        )
    return f"No load kept {objectives(plan)}: {where} (n = {best.in_time.n:,})"
