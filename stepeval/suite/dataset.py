"""Rows become Samples: columns are sorted out, rows chosen, ids given."""

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

from stepeval.core.errors import did_you_mean, misspelling
from stepeval.core.identity import content_id
from stepeval.core.task import Sample, metadata_matches
from stepeval.suite.findings import Findings, Place
from stepeval.suite.folder import PathRefused
from stepeval.suite.prompts import ReadFile
from stepeval.suite.rows import Row, most_bytes, read_rows, tree_rows
from stepeval.suite.schema import DatasetEntry
from stepeval.suite.sentences import describe
from stepeval.suite.yaml_tree import Node, place_of

_KNOWN = ("id", "input", "target", "choices", "metadata")
_ID_DIGITS = 8
_LONGEST_ID = 200
_MOST_UNKNOWN = 20  # names of a filter; whoever reads more sentences learns no more
_NONE: Mapping[str, Any] = {}  # one for all of 100,000 samples


def read_dataset(
    entry: DatasetEntry | Sequence[Any], node: Node, findings: Findings, read_file: ReadFile
) -> tuple[Sample, ...]:
    """The chosen samples in their order; mistakes go to ``findings``."""
    if not isinstance(entry, DatasetEntry):
        entry, rows = DatasetEntry(), tree_rows(node, findings)
    else:
        rows = _rows(entry, node, findings, read_file)
    if not rows:
        if not findings.failed:
            findings.error("the dataset has no rows", node.place)
        return ()
    rows = _renamed(rows, entry.fields.model_dump(exclude_none=True), node, findings)
    texts_only = rows[0].texts_only
    placed = [
        (sample, row.place) for row in _taken_from(rows) if (sample := _sample(row, findings))
    ]
    samples = _identified(placed, findings)
    return _chosen(entry, samples, node, findings, texts_only=texts_only)


def _taken_from(rows: list[Row]) -> Iterator[Row]:
    """All of them, first one first, each gone from memory once the next one is asked for."""
    rows.reverse()
    while rows:
        yield rows.pop()


def sample_places(
    entry: DatasetEntry | Sequence[Any], node: Node, read_file: ReadFile
) -> dict[str, Place]:
    """Where the row of each sample stands, by id, those that are not chosen included."""
    findings = Findings()
    if not isinstance(entry, DatasetEntry):
        entry, rows = DatasetEntry(), tree_rows(node, findings)
    else:
        rows = _rows(entry, node, findings, read_file)
    rows = _renamed(rows, entry.fields.model_dump(exclude_none=True), node, findings)
    placed = [
        (sample, row.place) for row in _taken_from(rows) if (sample := _sample(row, findings))
    ]
    samples = _identified(placed, findings)
    return {sample.id: place for sample, (_, place) in zip(samples, placed, strict=True)}


def _rows(entry: DatasetEntry, node: Node, findings: Findings, read_file: ReadFile) -> list[Row]:
    if (entry.file is None) == (entry.rows is None):
        findings.error("a dataset needs either 'file' or 'rows'", node.place)
        return []
    if entry.file is None:
        return tree_rows(node.get("rows") or node, findings)
    try:
        text, shown = read_file(entry.file, most_bytes(entry.file))
    except PathRefused as error:
        findings.error(str(error), place_of(node, ("file",)))
        return []
    return read_rows(entry.file, text, shown, findings)


def _renamed(
    rows: list[Row], fields: Mapping[str, str], node: Node, findings: Findings
) -> list[Row]:
    columns = {name for row in rows for name in row.values} if fields else set()
    for field, column in fields.items():
        if column not in columns:
            sentence = f"no row has a column {column!r}{did_you_mean(column, columns)}"
            findings.error(sentence, place_of(node, ("fields", field)))
    if not fields:
        return rows
    names = {column: field for field, column in fields.items()}
    return [
        Row(
            {names.get(name, name): v for name, v in row.values.items() if name not in fields}
            | {names[name]: v for name, v in row.values.items() if name in names},
            row.place,
            row.texts_only,
        )
        for row in rows
    ]


def _sample(row: Row, findings: Findings) -> Sample | None:
    """A Sample whose id is empty where the row has none."""
    values = row.values
    rest = {name: value for name, value in values.items() if name not in _KNOWN}
    metadata = values.get("metadata", {})
    wrong = _wrong(row, rest)
    if wrong:
        findings.error(wrong, row.place)
        return None
    for name in rest:
        meant = _misspelt(name)
        if meant is not None and meant not in values:
            findings.warning_once(f"did you mean {meant!r} by the key {name!r}?", row.place)
    if "input" in values:
        sample_input = values["input"]
        metadata = {**rest, **(metadata or {})}
    else:
        sample_input = rest
    if isinstance(sample_input, int):
        sample_input = str(sample_input)
    row_id = values.get("id")
    return Sample(
        id="" if row_id is None else str(row_id),
        input=sample_input,
        target=values.get("target"),
        choices=_choices(row),
        metadata=metadata or _NONE,
    )


@cache
def _misspelt(name: str) -> str | None:
    """The known key that this one resembles. Other keys are welcome, so it is but a question."""
    return misspelling(name, _KNOWN)


def _wrong(row: Row, rest: Mapping[str, Any]) -> str | None:
    return _wrong_input(row, rest) or _wrong_choices(row) or _wrong_id(row.values.get("id"))


def _wrong_input(row: Row, rest: Mapping[str, Any]) -> str | None:
    values = row.values
    given = values.get("input")
    if "input" in values and (
        not isinstance(given, str | int | Mapping) or isinstance(given, bool) or given == {}
    ):
        return f"input must be text or a mapping, not {describe(given)}"
    if "input" not in values and not rest:
        return "the row has no input"
    metadata = values.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        return f"metadata must be a mapping, not {describe(metadata)}"
    twice = sorted(set(rest) & set(metadata or {})) if "input" in values else []
    if twice:
        return f"{twice[0]!r} is both a key of the row and of its metadata"
    return None


def _wrong_choices(row: Row) -> str | None:
    choices = row.values.get("choices")
    texts = isinstance(choices, list) and all(_is_name(choice) for choice in choices)
    if choices is not None and not texts and not row.texts_only:
        return "choices must be a list of texts"
    return None


def _wrong_id(row_id: Any) -> str | None:
    if row_id is not None and not _is_name(row_id):
        return f"id must be text, not {describe(row_id)}"
    if row_id is not None and (len(str(row_id)) > _LONGEST_ID or not str(row_id).isprintable()):
        return f"id must be printable text of at most {_LONGEST_ID} characters"
    return None


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _choices(row: Row) -> tuple[str, ...]:
    choices = row.values.get("choices") or ()
    if isinstance(choices, str):
        return tuple(choice.strip() for choice in choices.split("|"))
    return tuple(str(choice) for choice in choices)


def _identified(placed: list[tuple[Sample, Place]], findings: Findings) -> list[Sample]:
    """Every sample with an id: its own, or the beginning of its content's hash."""
    taken: dict[str, Place] = {}
    for sample, place in placed:
        if sample.id and sample.id in taken:
            first = taken[sample.id]
            sentence = f"duplicate id {sample.id!r} (first on line {first.line})"
            findings.error(sentence, place)
        elif sample.id:
            taken[sample.id] = place
    contents = dict[str, int]()
    found = []
    for sample, place in placed:
        if sample.id:
            found.append(sample)
            continue
        digest = content_id(sample.input, sample.target, sample.choices)
        contents[digest] = contents.get(digest, 0) + 1
        new_id = _free_id(digest, contents[digest], taken)
        if contents[digest] > 1:
            findings.warning(f"this row repeats an earlier one; its id is {new_id!r}", place)
        taken[new_id] = place
        found.append(replace(sample, id=new_id))
    return found


def _free_id(digest: str, occurrence: int, used: Container[str]) -> str:
    """Eight digits, and more only where other content begins with the same eight."""
    ending = f"~{occurrence}" if occurrence > 1 else ""
    for digits in range(_ID_DIGITS, len(digest) + 1, 4):
        if digest[:digits] + ending not in used:
            return digest[:digits] + ending
    while f"{digest}~{occurrence}" in used:
        occurrence += 1
    return f"{digest}~{occurrence}"


def _chosen(
    entry: DatasetEntry,
    samples: list[Sample],
    node: Node,
    findings: Findings,
    *,
    texts_only: bool,
) -> tuple[Sample, ...]:
    """Filter, then shuffle, then limit."""
    if entry.filter:
        wanted = _as_texts(entry.filter) if texts_only else entry.filter
        samples = _filtered(wanted, samples, node, findings)
    if entry.shuffle is not None:
        Random(entry.shuffle).shuffle(samples)
    return tuple(samples if entry.limit is None else samples[: entry.limit])


def _as_texts(wanted: Mapping[str, Any]) -> dict[str, list[str]]:
    """A CSV's 3 is the text '3'."""
    return {
        name: [each if isinstance(each, str) else json.dumps(each) for each in values]
        for name, value in wanted.items()
        for values in [value if isinstance(value, list) else [value]]
    }


def _filtered(
    wanted: Mapping[str, Any], samples: list[Sample], node: Node, findings: Findings
) -> list[Sample]:
    fields = [(sample, _fields(sample)) for sample in samples]
    known = {name for _, values in fields for name in values}
    for name in [name for name in wanted if name not in known][:_MOST_UNKNOWN]:
        sentence = f"no row has a field {name!r}{did_you_mean(name, known)}"
        findings.error(sentence, place_of(node, ("filter", name), key=True))
    kept = [sample for sample, values in fields if metadata_matches(wanted, values)]
    if not kept and samples and known.issuperset(wanted):
        findings.error("no row passes the filter", place_of(node, ("filter",), key=True))
    return kept


def _fields(sample: Sample) -> Mapping[str, Any]:
    named = sample.input if isinstance(sample.input, Mapping) else {}
    return {**named, "id": sample.id, "target": sample.target, **sample.metadata}
