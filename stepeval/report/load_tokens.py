"""How long requests were, and whose counts of tokens the figures rest on."""

from stepeval.analysis.load_values import ArmLoad, Figures, Length, LoadSummary
from stepeval.core.load import LoadPlan
from stepeval.report import wording
from stepeval.report.evidence import Evidence
from stepeval.report.load_marks import MARK, meaning
from stepeval.report.load_tables import heads, place
from stepeval.report.tables import UNKNOWN
from stepeval.report.view import Column, Table, TableCell

_MEAN = "mean tokens of the measured requests that were answered"
_LENGTHS = ("input", "output", "reasoning")


def lengths_table(summary: LoadSummary, evidence: Evidence, plan: LoadPlan) -> Table | None:
    """None where no request's length is known."""
    if not any(cell.pooled.lengths[name].n for cell in summary.cells for name in _LENGTHS):
        return None
    mark = meaning(cell.pooled for cell in summary.cells)
    columns = (
        *heads(summary),
        Column("Input", help="; ".join(filter(None, (_MEAN, mark)))),
        Column("Output", help="reasoning included"),
        Column("Of it reasoning"),
        Column("Counted by", numeric=False, help="for the output, a number of answers each"),
    )
    rows = tuple(
        (
            *place(cell, summary, evidence, plan),
            *(_length_cell(cell.pooled.lengths[name], cell) for name in _LENGTHS),
            _counter_cell(cell.pooled),
        )
        for cell in summary.cells
    )
    return Table("Tokens per request", columns, rows)


def _length_cell(found: Length, cell: ArmLoad) -> TableCell:
    if found.mean is None:
        return UNKNOWN
    notes = []
    if found.asked is not None:
        notes.append(f"asked for {wording.count(found.asked)}")
    if found.n < cell.pooled.answered:
        notes.append(f"known of {found.n:,} of {cell.pooled.answered:,}")
    mark = MARK if found.here else ""
    return TableCell(f"{mark}{wording.count(found.mean)}", "; ".join(notes))


def _counter_cell(found: Figures) -> TableCell:
    length = found.lengths["output"]
    counters = (("the server", length.n - length.here), ("this client", length.here),
                ("nobody", found.answered - length.n))  # fmt: skip
    said = [(name, answers) for name, answers in counters if answers]
    if len(said) == 1:
        return TableCell(said[0][0])
    return TableCell(", ".join(f"{name} {answers:,}" for name, answers in said) or "nobody")
