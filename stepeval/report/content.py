"""A stored run becomes everything its page shows."""

from collections.abc import Collection
from dataclasses import replace

from stepeval.analysis.gated import Gated
from stepeval.analysis.load import summarise
from stepeval.analysis.load_requests import measure
from stepeval.analysis.wire_proof import wire_proof
from stepeval.core.ports import RecordReader
from stepeval.core.record import Mode, Outcome, ScoreRow
from stepeval.report import wording
from stepeval.report.breakdown import breakdowns
from stepeval.report.evidence import Evidence, gather_evidence
from stepeval.report.figures import figures
from stepeval.report.flakiness_section import flakiness_view
from stepeval.report.gate_section import gate_view
from stepeval.report.lapses import MOST_LISTED, lapse_groups, lapsed
from stepeval.report.limits_figures import limits_figures
from stepeval.report.load_bench import Bench
from stepeval.report.load_section import load_facts, load_section
from stepeval.report.load_verdict import load_verdict
from stepeval.report.paired_arms import PairedArms, paired_arms
from stepeval.report.provenance import mode_sentence, provenance
from stepeval.report.samples import Selection, sample_views, select
from stepeval.report.tables import leaderboard_tables, wire_table
from stepeval.report.tiers_section import tiers_view
from stepeval.report.verdict import caveats, verdict
from stepeval.report.view import Fact, GateView, ReportData, Verdict

_SAMPLES_OF_A_LOAD = 20  # its prompts are fillers, and their answers nobody's interest


def gather(
    reader: RecordReader, stopped: str | None = None, gated: Gated | None = None
) -> ReportData:
    """Reads the run a few times over, and keeps the texts of shown samples only.

    ``stopped``: why the run left requests over, None where it did not or nobody said.
    ``gated``: against which baseline it was held afterwards.
    """
    evidence = gather_evidence(reader, stopped)
    info, suite = evidence.info, evidence.suite
    bench = _bench(reader, evidence)
    paired = paired_arms(evidence)
    gate = gate_view(reader, gated)
    proof = wire_proof(reader)
    scored = bool(suite.scoring)
    lapses = lapsed(evidence.rows, scored=scored)
    if bench is not None and not scored:  # its answers are cut at a length on purpose
        lapses.pop(Outcome.NO_ANSWER, None)
    selection = select(evidence) if bench is None else _few_samples(evidence)
    quoted = {row.cell_id for rows in lapses.values() for row in rows[:MOST_LISTED]}
    scores = _scores(reader, quoted | selection.cells)
    series = {arm.arm: place for place, arm in enumerate(evidence.arms)}
    called = "" if info.mode is Mode.LIVE else f"{info.mode.value}: "
    return ReportData(
        title=f"{called}{suite.name} · {info.id} · stepeval",
        mode=info.mode.value,
        mode_sentence=mode_sentence(info),
        suite=suite.name,
        description=suite.description,
        when=wording.moment(info.created_at),
        verdict=_verdict(evidence, paired, bench, gate),
        load=None if bench is None else load_section(bench),
        gate=gate,
        # Intervals of arms that left early, or stopped, would cover less than they say.
        tiers=None if info.may_stop else tiers_view(paired.ladders),
        flakiness=flakiness_view(paired.flaky),
        facts=_facts(evidence, bench),
        leaderboard_title="Leaderboard" if scored or bench is None else "Tokens",
        leaderboard=leaderboard_tables(evidence),
        wire=wire_table(evidence, proof.arms),
        warnings=proof.warnings,
        charts=(*figures(evidence), *limits_figures(reader)),
        breakdowns=breakdowns(evidence),
        lapses=lapse_groups(lapses, scores, selection.anchors, series, scored=scored),
        lapses_note=_lapses_note(scored=scored),
        samples=sample_views(reader, evidence, selection, scores),
        samples_note=selection.note,
        samples_folded=bench is not None and not scored,
        provenance=provenance(evidence),
        command=info.command,
    )


def _verdict(
    evidence: Evidence, paired: PairedArms, bench: Bench | None, gate: GateView | None
) -> Verdict:
    """What the run was told to decide comes first."""
    if bench is not None:
        return load_verdict(bench.summary, bench.plan)
    if gate is not None:
        return Verdict(gate.sentence, caveats(evidence, paired))
    return verdict(evidence, paired)


def _scores(
    reader: RecordReader, cells: Collection[str]
) -> dict[tuple[str, int], tuple[ScoreRow, ...]]:
    found: dict[tuple[str, int], tuple[ScoreRow, ...]] = {}
    for row in reader.scores():
        if row.cell_id in cells:
            place = (row.cell_id, row.choice)
            found[place] = (*found.get(place, ()), row)
    return found


def _bench(reader: RecordReader, evidence: Evidence) -> Bench | None:
    if evidence.info.load is None:
        return None
    measured = measure(reader)
    return Bench(measured, summarise(measured), evidence.info.load, evidence)


def _few_samples(evidence: Evidence) -> Selection:
    """Of each sample one answer an arm and outcome: a load asks the same over and over."""
    kinds = {(row.sample_key, row.arm, row.outcome): row for row in reversed(evidence.rows)}
    few = select(replace(evidence, rows=tuple(kinds.values())), _SAMPLES_OF_A_LOAD)
    return Selection(few.rows, f"{few.note} Of each, one answer an arm and outcome.")


def _facts(evidence: Evidence, bench: Bench | None) -> tuple[Fact, ...]:
    arms = Fact("Arms", f"{len(evidence.arms):,}")
    rest = (*_costs(evidence), Fact("Took", _took(evidence)))
    if bench is not None:
        return (*load_facts(bench), arms, *rest)
    suite = evidence.suite
    epochs = f"{suite.epochs} epochs each" if suite.epochs > 1 else ""
    failed = sum(row.failure is not None for row in evidence.rows)
    return (
        arms,
        Fact("Samples", f"{len(suite.samples):,}", epochs),
        Fact("Requests", f"{evidence.recorded:,}", f"of {suite.cell_count:,}"),
        Fact("Failed", f"{failed:,}"),
        *rest,
    )


def _lapses_note(*, scored: bool) -> str:
    what = "Every answer that was not right" if scored else "Every request without its answer"
    return f"{what}, worst kind first. The trace id is the server's own name for the request."


def _costs(evidence: Evidence) -> tuple[Fact, ...]:
    """One for each currency: they are never added up."""
    totals: dict[str, tuple[float, float]] = {}
    for arm in evidence.arms:
        paid, original, currency = arm.cost_total, arm.cost_original, arm.currency
        if paid is not None and original is not None and currency is not None:
            before = totals.get(currency, (0.0, 0.0))
            totals[currency] = (before[0] + paid, before[1] + original)
    if not totals:
        return (Fact("Cost", "unknown"),)
    return tuple(_cost(*amounts, currency) for currency, amounts in totals.items())


def _cost(paid: float, original: float, currency: str) -> Fact:
    sent = f"{wording.money(original, currency)} when the answers were sent"
    return Fact("Cost", wording.money(paid, currency), "" if paid == original else sent)


def _took(evidence: Evidence) -> str:
    return "unknown" if evidence.took_s is None else wording.duration(evidence.took_s)
