"""A gate's verdict in words, the same on the terminal and in the report."""

from collections.abc import Iterator

from stepeval.analysis.canary import Canary
from stepeval.analysis.gate import MetricVerdict, Scale, Verdict
from stepeval.analysis.gated import ArmGate, Gated
from stepeval.analysis.looks import Decision, Look, Stage
from stepeval.analysis.stopping import Stopping
from stepeval.stats.estimate import Estimate

_NOTHING = "not known"
_MOST_NAMED = 4  # comparisons of one sentence; the table has them all


def gate_sentence(found: Gated) -> str:
    """The verdict and what it rests on."""
    if found.verdict is None:
        return f"NO VERDICT yet against baseline {found.baseline.name}: the run is not complete"
    head = f"{found.verdict.value.upper()} against baseline {found.baseline.name}"
    if found.stopping is not None:
        return f"{head}: {_stopped(found, found.stopping)}{_more(found)}"
    return f"{head}: {_whole(found)}"


def notes(found: Gated) -> Iterator[str]:
    """What a reader must know before believing it."""
    for arm in found.arms:
        if arm.changed:
            yield f"{arm.arm}, what changed: {'; '.join(arm.changed)}"
        matched = arm.matched
        if found.stopping is None and (matched.only_before or matched.only_now):
            changed = f", {matched.changed} with a changed content" if matched.changed else ""
            apart = f"{matched.only_before:,} in the baseline only, {matched.only_now:,} in the run"
            yield f"{arm.arm}: {len(matched.pairs):,} items are in both; {apart}{changed}"
        yield from _lacking(arm)
    for metric, reason in found.withheld.items():
        yield f"{metric} is not gated: {reason}"
    if found.stopping is not None and found.stopping.canary is not None:
        yield canary_words(found.stopping.canary)
    for warning in found.warnings:
        yield f"warning: {warning}"


def _lacking(arm: ArmGate) -> Iterator[str]:
    for metric in arm.metrics:
        if metric.change.lacking > 0:
            name = metric.change.tolerance.metric
            lacking = _share(metric.change.lacking)
            yield f"{arm.arm}: {lacking} of the answers have no {name}, and are left out of it"


def look_words(look: Look) -> str:
    """A line for those who watch a run: what the look found, and what follows."""
    bounds = ((look.safe, look.safe_bound, "safe"), (look.drop, look.drop_bound, "drop"))
    against = ", ".join(
        f"{name} {'unknown' if value is None else f'{value:.2f}'}/{bound:.2f}"
        for value, bound, name in bounds
    )
    change = interval_points(look.change, look.low, look.high)
    place = f"{stage_word(look.stage)} {look.number + 1}, {look.items:,} items"
    return f"{place}: {change}, {against}: {look.decision.value}"


def canary_words(canary: Canary) -> str:
    if canary.change is None:
        return "canary: the baseline's own prompt got no answer that could be scored"
    said = (
        f"canary: the baseline's own prompt, asked again on {canary.n} items, moved by "
        f"{100 * canary.change:+.1f} points"
    )
    if canary.has_drifted:
        return f"{said}: the service has changed since, so only fresh answers of both counted"
    if canary.detectable is None:
        return f"{said}: no drift is shown"
    return f"{said}: no drift is shown (one of {100 * canary.detectable:.0f} points would be)"


def change_words(scale: Scale, found: Estimate) -> str:
    if found.value is None:
        return _NOTHING
    if scale is Scale.POINTS:
        return interval_points(found.value, found.low, found.high)
    ends = (
        "" if found.low is None or found.high is None else f" ({found.low:.2f} to {found.high:.2f})"
    )
    return f"{found.value:.2f}x{ends}"


def interval_points(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return _NOTHING
    ends = "" if low is None or high is None else f" ({_points(low)} to {_points(high)})"
    return f"{_points(value)}{ends}"


def _points(value: float) -> str:
    return f"{round(100 * value, 1) + 0.0:+.1f}"  # no minus before a 0


def _share(share: float) -> str:
    return f"{100 * share:.1f}%"


def margin_words(scale: Scale, margin: float) -> str:
    return f"{100 * margin:g}pp" if scale is Scale.POINTS else f"{margin:g}x"


def stage_word(stage: Stage) -> str:
    return "look" if stage is Stage.FIRST else "confirmation"


def _more(found: Gated) -> str:
    if found.more_items is None:
        return ""
    cost = found.more_cost
    money = "" if cost is None else f", about {_money(cost, found, found.arms[0])}"
    return f"; about {found.more_items:,} more items would decide it{money}"


def _whole(found: Gated) -> str:
    metrics = [(arm, metric) for arm in found.arms for metric in arm.metrics]
    if not metrics:
        return "nothing of it can be judged"
    wanted = [pair for pair in metrics if pair[1].verdict is found.verdict]
    if found.verdict is Verdict.SAFE and len(wanted) > _MOST_NAMED:
        return f"none of {len(wanted)} comparisons is worse by its margin"
    say = {Verdict.SAFE: _safe, Verdict.REGRESSED: _worse, Verdict.INCONCLUSIVE: _open}
    assert found.verdict is not None
    named = [say[found.verdict](found, *pair) for pair in wanted[:_MOST_NAMED]]
    rest = len(wanted) - len(named)
    return "; ".join([*named, *([f"and {rest} more"] if rest else [])])


def _named(found: Gated, arm: ArmGate, metric: MetricVerdict) -> str:
    name = metric.change.tolerance.metric
    return name if len(found.arms) == 1 else f"{name} of {arm.arm}"


def _by(metric: MetricVerdict) -> str:
    return change_words(metric.change.tolerance.scale, metric.change.estimate)


def _worse(found: Gated, arm: ArmGate, metric: MetricVerdict) -> str:
    return f"{_named(found, arm, metric)} got worse, {_by(metric)}"


def _safe(found: Gated, arm: ArmGate, metric: MetricVerdict) -> str:
    tolerance = metric.change.tolerance
    margin = margin_words(tolerance.scale, tolerance.margin)
    small = ", and a small drop is shown" if metric.small_drop else ""
    return f"{_named(found, arm, metric)} is not worse by {margin}: {_by(metric)}{small}"


def _open(found: Gated, arm: ArmGate, metric: MetricVerdict) -> str:
    name = _named(found, arm, metric)
    if metric.change.may_hide and metric.more_items is None and metric.p_unsafe is not None:
        return (
            f"{name} {_by(metric)} of what was answered, but {_share(metric.change.lacking)} was "
            "not and could hide a worsening beyond the margin: stepeval retry --failed asks again"
        )
    if metric.change.estimate.value is None:
        return f"{name} cannot be told ({metric.change.estimate.reason})"
    if metric.more_items is None:
        return f"{name} {_by(metric)}: no number of items can be named that would decide it"
    cost = "" if metric.more_cost is None else f", about {_money(metric.more_cost, found, arm)}"
    return f"{name} {_by(metric)}: {metric.more_items:,} more items would decide it{cost}"


def _money(amount: float, found: Gated, arm: ArmGate) -> str:
    price = found.baseline.arm(arm.reference).price
    shown = f"{amount:,.2f}" if amount >= 1 else f"{amount:.2g}"
    return shown if price is None else f"{shown} {price.currency}"


def _stopped(found: Gated, stopping: Stopping) -> str:
    if not stopping.looks:
        return "nothing was looked at"
    last = stopping.looks[-1]
    margin = f"{100 * found.plan.margins['score']:g}pp"
    by = _repeated(last)
    after = f"after {last.items:,} items"
    if last.stage is Stage.FIRST:
        if stopping.verdict is Verdict.SAFE:
            return f"score is not worse by {margin}, shown {after}: {by}"
        return f"{after} neither a drop nor its absence is shown{_unscored(last)}: {by}"
    return f"{_why_fresh(stopping)}; {_fresh(stopping, last, margin, by)}"


def _why_fresh(stopping: Stopping) -> str:
    first = stopping.of(Stage.FIRST)
    if not first:
        return "the service has drifted since the baseline, so both prompts were asked anew"
    return f"a drop was seen after {first[-1].items:,} items, so both prompts were asked anew"


def _fresh(stopping: Stopping, last: Look, margin: str, by: str) -> str:
    if stopping.verdict is Verdict.REGRESSED:
        return f"the fresh answers confirm it after {last.items:,} items: {by}"
    if stopping.verdict is Verdict.SAFE:
        return f"in fresh answers score is not worse by {margin}: {by}"
    if last.decision is Decision.SAFE:
        return f"the fresh answers do not show it, so make the baseline anew: {by}"
    return f"the fresh answers show neither{_unscored(last)}: {by}"


def _unscored(look: Look) -> str:
    """Many of them keep a look from being safe."""
    lost = look.items - look.n
    hide = ", which could hide one" if look.is_safe else ""
    return f", and {lost:,} of them have no score{hide}" if lost else ""


def _repeated(look: Look) -> str:
    if look.change is None:
        return "nothing could be scored"
    said = f"{_points(look.change)} points"
    if look.low is None or look.high is None:
        return said
    return f"{said}, repeated interval {_points(look.low)} to {_points(look.high)}"
