"""The gate's verdict on a stored run, and the exit code that goes with it."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from stepeval.analysis.gate import MetricVerdict, Verdict
from stepeval.analysis.gated import ArmGate, Gated, check_shared, gated, margins_of
from stepeval.analysis.race_record import read_race
from stepeval.analysis.race_words import Raced
from stepeval.analysis.stopping import Stopping
from stepeval.api.baseline import find_baseline
from stepeval.core.errors import ExitCode, UsageError
from stepeval.core.gate import GatePlan, Way
from stepeval.core.record import RunInfo
from stepeval.store.run import RunReader

__all__ = [
    "ArmGate",
    "Gated",
    "MetricVerdict",
    "Raced",
    "Stopping",
    "Verdict",
    "exit_code",
    "gate_json",
    "judge",
    "judge_again",
    "race_json",
    "race_of",
]

_CODES = {
    Verdict.SAFE: ExitCode.OK,
    Verdict.REGRESSED: ExitCode.REGRESSED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}
_COUNTS_AS = {"pass": ExitCode.OK, "fail": ExitCode.REGRESSED}


def judge(path: Path) -> Gated | None:
    """By what the run was told when it began; None where it was told nothing, or is a race."""
    reader = RunReader(path)
    plan, baseline = reader.info().gate, reader.baseline()
    if plan is None or baseline is None:
        return None
    return gated(reader, baseline, plan)


def race_of(path: Path) -> Raced | None:
    """How the run's race went; None where it is none."""
    reader = RunReader(path)
    plan = reader.info().gate
    if plan is None or plan.way is not Way.RACE:
        return None
    return Raced(plan.margins["score"], read_race(reader))


def race_json(found: Raced) -> dict[str, Any]:
    return asdict(found)


def judge_again(
    path: Path,
    *,
    baseline: str | None,
    folder: Path,
    runs: Path,
    metrics: Mapping[str, float | None],
    inconclusive: str | None,
) -> Gated:
    """A whole run against any baseline; without one, the run against its own.

    Raises:
        UsageError: There is none, or the run's answers cannot be judged so.
    """
    reader = RunReader(path)
    info = reader.info()
    _check_judgeable(info, baseline)
    if baseline is None:
        found = judge(path)
        if found is None:
            raise UsageError(f"{info.id} was run without --gate: name a baseline with --baseline")
        if not metrics:
            chosen = inconclusive or found.plan.inconclusive
            return replace(found, plan=replace(found.plan, inconclusive=chosen))
        known = found.baseline
    else:
        known = find_baseline(baseline, folder, runs)
    plan = GatePlan(Way.FIXED, margins_of(metrics or {"score": None}), inconclusive)
    check_shared(reader.suite(), known)
    return gated(reader, known, plan)


def exit_code(found: Gated) -> ExitCode:
    if found.verdict is None:
        return ExitCode.INCOMPLETE
    if found.verdict is Verdict.INCONCLUSIVE and found.plan.inconclusive is not None:
        return _COUNTS_AS[found.plan.inconclusive]
    return _CODES[found.verdict]


def _check_judgeable(info: RunInfo, baseline: str | None) -> None:
    if info.load is not None:
        raise UsageError(f"{info.id} is a load benchmark, which judges no prompt")
    if info.gate is not None and info.gate.way is Way.RACE:
        raise UsageError(f"{info.id} is a race: what it dropped was not asked to the end")
    if info.may_stop and baseline is not None:
        raise UsageError(
            f"{info.id} could stop early, so its verdict is the one it stopped with: leave out "
            "--baseline, or gate a whole run"
        )


def gate_json(found: Gated) -> dict[str, Any]:
    return {
        "verdict": None if found.verdict is None else found.verdict.value,
        "exit_code": int(exit_code(found)),
        "baseline": {
            "name": found.baseline.name,
            "mode": found.baseline.mode.value,
            "made_at": found.baseline.made_at,
            "runs": list(found.baseline.runs),
        },
        "way": found.plan.way.value,
        "margins": dict(found.plan.margins),
        "arms": [_arm_json(arm) for arm in found.arms],
        "withheld": dict(found.withheld),
        "warnings": list(found.warnings),
        "stopping": None if found.stopping is None else asdict(found.stopping),
        "more_items": found.more_items,
        "more_cost": found.more_cost,
    }


def _arm_json(arm: ArmGate) -> dict[str, Any]:
    return {
        "arm": arm.arm,
        "reference": arm.reference,
        "changed": list(arm.changed),
        "matched": len(arm.matched.pairs),
        "only_in_baseline": arm.matched.only_before,
        "only_in_run": arm.matched.only_now,
        "changed_samples": arm.matched.changed,
        "metrics": [_metric_json(metric) for metric in arm.metrics],
    }


def _metric_json(metric: MetricVerdict) -> dict[str, Any]:
    change = metric.change
    return {
        "metric": change.tolerance.metric,
        "margin": change.tolerance.margin,
        "scale": change.tolerance.scale.value,
        "verdict": metric.verdict.value,
        "estimate": asdict(change.estimate),
        "confidence": change.confidence,
        "items": change.items,
        "lacking": change.lacking,
        "p_worse": metric.p_worse,
        "p_unsafe": metric.p_unsafe,
        "small_drop": metric.small_drop,
        "more_items": metric.more_items,
        "more_cost": metric.more_cost,
    }
