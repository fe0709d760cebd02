"""A load benchmark, summarised: each arm under each load, and whether the client kept up."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from stepeval.analysis.load_certificate import certificate
from stepeval.analysis.load_curve import curve, holding, worst
from stepeval.analysis.load_figures import arm_load, has_measured
from stepeval.analysis.load_requests import Measured, Requests, measure
from stepeval.analysis.load_timeline import time_line
from stepeval.analysis.load_values import ArmLoad, Certificate, Holding, LoadSummary
from stepeval.analysis.load_words import load_label
from stepeval.core.load import Shape
from stepeval.core.ports import RecordReader

__all__ = ["LoadSummary", "load_label", "load_of", "summarise", "summary_json"]


def load_of(reader: RecordReader) -> LoadSummary:
    """Raises StoreError: the run cannot be read."""
    return summarise(measure(reader))


def summarise(measured: Measured) -> LoadSummary:
    """Arms of which nothing was measured under a load are left out there."""
    cells, certificates = [], []
    for groups in measured.of_load.values():
        of_arm = _by_arm(groups)
        busy = [of_arm[arm] for arm in measured.arms if has_measured(of_arm.get(arm, ()))]
        cells += [arm_load(own, measured.plan, judged=measured.judged) for own in busy]
        if busy:
            certificates.append(certificate(groups, measured.plan))
    arms: dict[str, list[ArmLoad]] = {arm: [] for arm in measured.arms}
    for cell in cells:
        arms[cell.arm].append(cell)
    held = {
        arm: tuple(one for cell in own if (one := _held(measured, cell)))
        for arm, own in arms.items()
    }
    return LoadSummary(
        info=measured.info,
        missing=_missing(measured),
        judged=measured.judged,
        arms=measured.arms,
        cells=tuple(cells),
        certificates=tuple(certificates),
        curves=tuple(curve(own, held[arm]) for arm, own in arms.items() if own),
        timeline=time_line(measured),
        recorded=measured.outside + sum(len(group.due_ns) for group in measured.groups),
        outside=measured.outside,
        client_limited=_client_limited(certificates, measured.plan.shape),
    )


def _held(measured: Measured, cell: ArmLoad) -> Holding | None:
    """A search that tried a load again wants it held each time, by those requests alone."""
    groups = groups_of(measured, cell.arm, cell.load)
    numbers = sorted({group.phase.number for group in groups if has_measured([group])})
    if len(numbers) == 1:
        return holding(cell.pooled, measured.plan.shape)
    trials = []
    for number in numbers:
        own = [group for group in groups if group.phase.number == number and group.due_ns]
        figures = arm_load(own, measured.plan, judged=measured.judged).pooled
        trials.append(holding(figures, measured.plan.shape))
    pooled = holding(cell.pooled, measured.plan.shape)
    known = [one.verdict for one in trials if one is not None]
    return None if pooled is None else replace(pooled, verdict=worst(known))


def summary_json(summary: LoadSummary) -> dict[str, Any]:
    return asdict(summary)


def _client_limited(certificates: Sequence[Certificate], shape: Shape) -> tuple[str, ...]:
    return tuple(
        f"at {load_label(one.load, shape)}: {limit}" for one in certificates for limit in one.limits
    )


def _missing(measured: Measured) -> int:
    """A search chooses its loads while it runs, so none is known to be missing."""
    if measured.plan.search:
        return 0
    return max(0, len(measured.plan.loads) * measured.plan.repeats - len(measured.phases))


def groups_of(measured: Measured, arm: str, load: float) -> list[Requests]:
    """For charts, which draw every value."""
    return [g for g in measured.of_load.get(load, ()) if g.arm == arm]


def _by_arm(groups: Iterable[Requests]) -> dict[str, list[Requests]]:
    """Those that have a request."""
    found: dict[str, list[Requests]] = {}
    for group in groups:
        if group.due_ns:
            found.setdefault(group.arm, []).append(group)
    return found
