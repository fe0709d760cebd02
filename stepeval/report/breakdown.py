"""Quality by what the samples' metadata say of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from stepeval.analysis.leaderboard import leaderboard
from stepeval.analysis.rows import SampleRow
from stepeval.analysis.stopped_arms import of_the_grid
from stepeval.report.evidence import Evidence
from stepeval.report.tables import share_cell
from stepeval.report.view import Column, Table, TableCell

_FIELDS = ("kind", "difficulty")
_MOST_VALUES = 12
_QUARTERS = ("0 to 0.25", "0.25 to 0.5", "0.5 to 0.75", "0.75 to 1")


def breakdowns(evidence: Evidence) -> tuple[Table, ...]:
    """A table for each field that tells some samples apart, a row for each of its values."""
    found = (_breakdown(evidence, field) for field in _FIELDS)
    return tuple(table for table in found if table is not None)


def _breakdown(evidence: Evidence, field: str) -> Table | None:
    values = {
        sample.key: sample.metadata[field]
        for sample in evidence.suite.samples
        if isinstance(sample.metadata.get(field), str | int | float)
    }
    labels = value_labels(values)
    groups: dict[str, list[SampleRow]] = {}
    for row in evidence.rows:
        label = labels.get(row.sample_key)
        if label is not None:
            groups.setdefault(label, []).append(row)
    if not 1 < len(groups) <= _MOST_VALUES:
        return None
    order = [label for label in dict.fromkeys(labels.values()) if label in groups]
    names = [arm.arm for arm in evidence.arms]
    columns = (
        Column(field.capitalize(), numeric=False),
        Column("n", help="answers of all arms"),
        *(Column(name, numeric=False) for name in names),
    )
    rows = tuple(_row(evidence, label, groups[label], names) for label in order)
    title = f"{evidence.quality_name.capitalize()} by {field}"
    return Table(title, columns, rows)


def value_labels(values: Mapping[str, Any]) -> dict[str, str]:
    """A label for each sample's key, in the order of the values.

    Many different numbers within 0..1 are put together in quarters.
    """
    numeric = all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values.values()
    )
    if not numeric:
        ordered = sorted(values.items(), key=lambda pair: str(pair[1]))
        return {key: str(value) for key, value in ordered}
    ordered = sorted(values.items(), key=lambda pair: pair[1])
    many = len(set(values.values())) > len(_QUARTERS) + 1
    if many and all(0 <= value <= 1 for _, value in ordered):
        return {key: _QUARTERS[min(3, int(4 * value))] for key, value in ordered}
    return {key: f"{value:g}" for key, value in ordered}


def _row(
    evidence: Evidence, label: str, rows: Sequence[SampleRow], names: Sequence[str]
) -> tuple[TableCell, ...]:
    arms = of_the_grid(leaderboard(rows, names), evidence.suite, evidence.info, is_over=False)
    shares = [share_cell(evidence.quality(arm)) for arm in arms]
    return (TableCell(label), TableCell(f"{len(rows):,}"), *shares)
