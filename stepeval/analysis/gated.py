"""A run against its baseline: what is judged, what is not and why, and what else differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import fsum

from stepeval.analysis.gate import GateVerdict, MetricVerdict, Verdict, gate, items_lacking
from stepeval.analysis.gate_metrics import (
    DEFAULT_MARGINS,
    GROUPS,
    Matched,
    change_of,
    is_latency,
    match,
)
from stepeval.analysis.item_values import ItemTally
from stepeval.analysis.likeness_to_baseline import what_changed, what_differs
from stepeval.analysis.looks import Stage
from stepeval.analysis.pairing import cluster_names
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.steadiness import latency_fitness
from stepeval.analysis.stopping import Stopping, read_stopping
from stepeval.core.baseline import Baseline, BaselineArm
from stepeval.core.errors import UnknownName, UsageError, did_you_mean
from stepeval.core.gate import SCORE, GatePlan, Way
from stepeval.core.ports import RecordReader
from stepeval.core.task import Arm, Suite


@dataclass(frozen=True, slots=True)
class ArmGate:
    """One arm of the run against one of the baseline. ``changed``: what is tried out."""

    arm: str
    reference: str
    matched: Matched
    metrics: tuple[MetricVerdict, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gated:
    """``verdict`` is None where the run is not complete. ``withheld`` says, by metric, why it is
    not judged. ``stopping``: how a run that could stop early came to its verdict, which then is
    the only one.
    """

    baseline: Baseline
    plan: GatePlan
    verdict: Verdict | None
    arms: tuple[ArmGate, ...]
    withheld: Mapping[str, str]
    warnings: tuple[str, ...]
    stopping: Stopping | None = None

    @property
    def more_items(self) -> int | None:
        """Of a run that could stop early and is inconclusive: what would decide its last look."""
        looks = () if self.stopping is None else self.stopping.looks
        if self.verdict is not Verdict.INCONCLUSIVE or not looks:
            return None
        last = looks[-1]
        if last.change is None or last.error is None or last.is_safe:
            return None
        return items_lacking(last.change, last.error, last.items, self.plan.margins[SCORE])

    @property
    def more_cost(self) -> float | None:
        """Of :attr:`more_items`, by what an item of the arm cost so far; both prompts where both
        were asked anew.
        """
        pairs = [now for arm in self.arms for _, now in arm.matched.pairs]
        spent = [cost for item in pairs for cost in item.costs if cost is not None]
        if self.more_items is None or self.stopping is None or not spent:
            return None
        prompts = 2 if self.stopping.looks[-1].stage is Stage.FRESH else 1
        return prompts * self.more_items * fsum(spent) / len(pairs)


def margins_of(metrics: Mapping[str, float | None]) -> dict[str, float]:
    """Metrics or groups of them, with their margins or None for the usual one, one by one.

    Raises UnknownName.
    """
    found: dict[str, float] = {}
    for name, margin in metrics.items():
        if name not in GROUPS and name not in DEFAULT_MARGINS:
            raise UnknownName("metric", name, (*GROUPS, *DEFAULT_MARGINS))
        for each in GROUPS.get(name, (name,)):
            found[each] = DEFAULT_MARGINS[each] if margin is None else margin
    return found


def pair_arms(suite: Suite, baseline: Baseline) -> tuple[tuple[Arm, BaselineArm], ...]:
    """By name; where both have but one, those.

    Raises UsageError: no arm of the suite has a counterpart.
    """
    if len(suite.arms) == len(baseline.arms) == 1:
        return ((suite.arms[0], baseline.arms[0]),)
    known = {arm.name: arm for arm in baseline.arms}
    pairs = tuple((arm, known[arm.name]) for arm in suite.arms if arm.name in known)
    if not pairs:
        hint = did_you_mean(suite.arms[0].name, known)
        raise UsageError(
            f"no arm of the suite is one of baseline {baseline.name!r}: {suite.arms[0].name!r} "
            f"is not{hint}; choose one with --arm where the baseline has a single one"
        )
    return pairs


def check_shared(suite: Suite, baseline: Baseline) -> None:
    """Raises UsageError: none of the samples is the baseline's."""
    known = {item.key for arm in baseline.arms for item in arm.items}
    if known.isdisjoint(sample.key for sample in suite.samples):
        raise UsageError(
            f"none of the suite's {len(suite.samples):,} samples is in baseline "
            f"{baseline.name!r}: it is of another suite, or the samples were changed; make it anew"
        )


def gated(reader: RecordReader, baseline: Baseline, plan: GatePlan) -> Gated:
    """Raises UsageError: nothing can be paired. StoreError: the run cannot be read."""
    suite = reader.suite()
    for name in plan.margins:
        if name not in DEFAULT_MARGINS:
            raise UnknownName("metric", name, DEFAULT_MARGINS)
    pairs = pair_arms(suite, baseline)
    tally = ItemTally()
    tally.add(sample_rows(reader))
    clusters = cluster_names(suite)
    matched = [
        (arm, reference, match(reference.items, tally.items(arm.name, clusters)))
        for arm, reference in pairs
    ]
    withheld = dict(_withheld(reader, baseline, plan))
    warnings = tuple(what_differs(reader.info(), suite, baseline, pairs, plan))
    stopping = read_stopping(reader) if plan.way in {Way.SEQUENTIAL, Way.ANYTIME} else None
    judged = {name: m for name, m in plan.margins.items() if name not in withheld}
    changes = [change_of(name, m, items) for _, _, items in matched for name, m in judged.items()]
    found = gate(changes) if changes and stopping is None else None
    arms = tuple(
        ArmGate(
            arm=arm.name,
            reference=reference.name,
            matched=items,
            metrics=_own(found, place, len(judged)),
            changed=tuple(what_changed(suite, arm, reference)),
        )
        for place, (arm, reference, items) in enumerate(matched)
    )
    whole = tally.cells(arm.name for arm in suite.arms) >= suite.cell_count
    verdict = stopping.verdict if stopping is not None else _verdict(found) if whole else None
    return Gated(baseline, plan, verdict, arms, withheld, warnings, stopping)


def _own(found: GateVerdict | None, place: int, metrics: int) -> tuple[MetricVerdict, ...]:
    return () if found is None else found.metrics[place * metrics : (place + 1) * metrics]


def _verdict(found: GateVerdict | None) -> Verdict:
    return Verdict.INCONCLUSIVE if found is None else found.verdict


def _withheld(
    reader: RecordReader, baseline: Baseline, plan: GatePlan
) -> Iterator[tuple[str, str]]:
    if SCORE in plan.margins and not reader.suite().scoring:
        yield SCORE, "the suite has no scoring rule"
    unfit = latency_fitness(reader.limit_changes(), reader.info())
    reason = f"in this run: {unfit}" if unfit else None
    if baseline.untimed:
        reason = f"in the baseline: {baseline.untimed}"
    for name in plan.margins:
        if is_latency(name) and reason is not None:
            yield name, reason
