"""A stored run becomes everything its page shows."""

from collections.abc import Collection

from stepeval.analysis.wire_proof import wire_proof
from stepeval.core.ports import RecordReader
from stepeval.core.record import Mode, ScoreRow
from stepeval.report import wording
from stepeval.report.breakdown import breakdowns
from stepeval.report.evidence import Evidence, gather_evidence
from stepeval.report.figures import figures
from stepeval.report.lapses import MOST_LISTED, lapse_groups, lapsed
from stepeval.report.provenance import mode_sentence, provenance
from stepeval.report.samples import sample_views, select
from stepeval.report.tables import leaderboard_tables, wire_table
from stepeval.report.verdict import verdict
from stepeval.report.view import Fact, ReportData


def gather(reader: RecordReader) -> ReportData:
    """Reads the run a few times over, and keeps the texts of shown samples only."""
    evidence = gather_evidence(reader)
    info, suite = evidence.info, evidence.suite
    proof = wire_proof(reader)
    lapses = lapsed(evidence.rows, scored=bool(suite.scoring))
    selection = select(evidence)
    quoted = {row.cell_id for rows in lapses.values() for row in rows[:MOST_LISTED]}
    scores = _scores(reader, quoted | selection.cells)
    series = {arm.arm: place for place, arm in enumerate(evidence.arms)}
    simulated = info.mode is Mode.SIMULATED
    return ReportData(
        title=f"{'SIMULATED: ' if simulated else ''}{suite.name} · {info.id} · stepeval",
        simulated=simulated,
        mode_sentence=mode_sentence(info.mode),
        suite=suite.name,
        description=suite.description,
        when=wording.moment(info.created_at),
        verdict=verdict(evidence),
        facts=_facts(evidence),
        leaderboard=leaderboard_tables(evidence),
        wire=wire_table(evidence, proof.arms),
        warnings=proof.warnings,
        charts=figures(evidence),
        breakdowns=breakdowns(evidence),
        lapses=lapse_groups(lapses, scores, selection.anchors, series),
        samples=sample_views(reader, evidence, selection, scores),
        samples_note=selection.note,
        provenance=provenance(evidence),
        command=info.command,
    )


def _scores(
    reader: RecordReader, cells: Collection[str]
) -> dict[tuple[str, int], tuple[ScoreRow, ...]]:
    found: dict[tuple[str, int], tuple[ScoreRow, ...]] = {}
    for row in reader.scores():
        if row.cell_id in cells:
            place = (row.cell_id, row.choice)
            found[place] = (*found.get(place, ()), row)
    return found


def _facts(evidence: Evidence) -> tuple[Fact, ...]:
    suite = evidence.suite
    epochs = f"{suite.epochs} epochs each" if suite.epochs > 1 else ""
    failed = sum(row.failure is not None for row in evidence.rows)
    return (
        Fact("Arms", f"{len(evidence.arms):,}"),
        Fact("Samples", f"{len(suite.samples):,}", epochs),
        Fact("Requests", f"{evidence.recorded:,}", f"of {suite.cell_count:,}"),
        Fact("Failed", f"{failed:,}"),
        *_costs(evidence),
        Fact("Took", _took(evidence)),
    )


def _costs(evidence: Evidence) -> tuple[Fact, ...]:
    """One for each currency: they are never added up."""
    totals: dict[str, float] = {}
    for arm in evidence.arms:
        if arm.cost_total is not None and arm.currency is not None:
            totals[arm.currency] = totals.get(arm.currency, 0.0) + arm.cost_total
    if not totals:
        return (Fact("Cost", "unknown"),)
    return tuple(Fact("Cost", wording.money(total, key)) for key, total in totals.items())


def _took(evidence: Evidence) -> str:
    return "unknown" if evidence.took_s is None else wording.duration(evidence.took_s)
