"""Which of a run's answers are asked for again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.rows import sample_rows
from stepeval.core.chat import FailureKind
from stepeval.core.errors import UnknownName, UsageError
from stepeval.core.ports import RecordReader
from stepeval.core.record import Outcome
from stepeval.core.task import Suite

_COLUMNS: Mapping[str, str] = {
    "outcome": "outcome",
    "failure": "failure",
    "arm": "arm",
    "sample": "sample_id",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for again has, in each of these columns, one of the values."""

    columns: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return ", ".join(f"{name}={' or '.join(some)}" for name, some in self.columns.items())

    def fits(self, row: SampleRow) -> bool:
        return all(getattr(row, _COLUMNS[name]) in values for name, values in self.columns.items())


def read_wanted(conditions: Sequence[str], *, failed: bool) -> Wanted:
    """``conditions`` are NAME=VALUE; those of one name are alternatives.

    Raises:
        UsageError, UnknownName: There is none, or one that no answer could meet.
    """
    columns: dict[str, tuple[str, ...]] = {}
    for condition in (*conditions, *(["outcome=failed"] if failed else [])):
        name, separator, value = condition.partition("=")
        if not separator:
            raise UsageError(f"--where {condition}: write it as NAME=VALUE, e.g. outcome=no_answer")
        if name not in _COLUMNS:
            raise UnknownName("name in --where", name, _COLUMNS)
        columns[name] = (*columns.get(name, ()), value)
    if not columns:
        raise UsageError("say what to ask again: --failed, or --where NAME=VALUE")
    _check("outcome", columns, (kind.value for kind in Outcome))
    _check("failure", columns, (kind.value for kind in FailureKind))
    return Wanted(columns)


def chosen_cells(reader: RecordReader, wanted: Wanted) -> frozenset[str]:
    """Ids of the cells with a choice that is wanted. Raises UnknownName: no such arm or sample."""
    suite: Suite = reader.suite()
    _check("arm", wanted.columns, (arm.name for arm in suite.arms))
    _check("sample", wanted.columns, (sample.id for sample in suite.samples))
    return frozenset(row.cell_id for row in sample_rows(reader) if wanted.fits(row))


def _check(name: str, columns: Mapping[str, tuple[str, ...]], known: Iterable[str]) -> None:
    if name in columns:
        existing = set(known)
        for value in columns[name]:
            if value not in existing:
                raise UnknownName(name, value, existing)
