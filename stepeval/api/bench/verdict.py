"""Whether a load was held within the objectives, by the analysis that the report uses."""

from stepeval.analysis.load_curve import WORST_FIRST, holding
from stepeval.analysis.load_figures import arm_load, has_measured
from stepeval.analysis.load_requests import measure
from stepeval.analysis.load_values import Holding
from stepeval.core.load import Trial, Verdict
from stepeval.core.ports import RecordReader


def judge(reader: RecordReader, number: int, load: float) -> Trial:
    """By the measured requests of the phases of this number: as the arm that fares worst. Unclear
    where an arm has none.
    """
    measured = measure(reader)
    groups = [group for group in measured.groups if group.phase.number == number]
    found = []
    for arm in measured.arms:
        own = [group for group in groups if group.arm == arm]
        if not has_measured(own):
            return Trial(load, Verdict.UNCLEAR)
        figures = arm_load(own, measured.plan, judged=False).pooled
        held = holding(figures, measured.plan.shape)
        if held is None:
            return Trial(load, Verdict.UNCLEAR)
        found.append(held)
    worst = min(found, key=_badness)
    return Trial(load, worst.verdict, worst.in_time.value, worst.in_time.n, worst.answered)


def _badness(held: Holding) -> tuple[int, float]:
    return WORST_FIRST.index(held.verdict), held.in_time.value or 0.0
