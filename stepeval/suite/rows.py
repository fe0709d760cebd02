"""Dataset files as rows that remember their line: CSV, JSONL, JSON and YAML."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from stepeval.core.errors import SuiteError
from stepeval.suite.findings import Findings, Place
from stepeval.suite.yaml_tree import MOST_BYTES as MOST_YAML_BYTES
from stepeval.suite.yaml_tree import MOST_DEPTH, Node, integer, plain, read_yaml, real

MOST_BYTES = 512_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """``values`` by column; in ``texts_only`` rows (CSV) every value is text."""

    values: Mapping[str, Any]
    place: Place
    texts_only: bool = False


def most_bytes(name: str) -> int:
    return MOST_YAML_BYTES if _suffix(name) in {".yaml", ".yml"} else MOST_BYTES


def read_rows(name: str, text: str, shown: str, findings: Findings) -> list[Row]:
    """``shown`` is the file in messages; mistakes go to ``findings``, each with its line."""
    reader = _READERS.get(_suffix(name))
    if reader is None:
        known = ", ".join(_READERS)
        findings.error(f"a dataset file must end with one of {known}", Place(shown))
        return []
    try:
        return reader(text, shown, findings)
    except SuiteError as error:
        findings.take(error)
        return []


def tree_rows(node: Node, findings: Findings) -> list[Row]:
    """The rows of a list in a YAML tree."""
    if not isinstance(node.value, list):
        findings.error("a dataset is a list of rows", node.place)
        return []
    rows = []
    for element in node.elements():
        if isinstance(element.value, dict):
            rows.append(Row(plain(element), element.place))
        else:
            findings.error("a row must be a mapping, such as {input: ...}", element.place)
    return rows


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _yaml(text: str, shown: str, findings: Findings) -> list[Row]:
    return tree_rows(read_yaml(text, shown), findings)


def _jsonl(text: str, shown: str, findings: Findings) -> list[Row]:
    rows = []
    for number, line in enumerate(_lines(text), start=1):
        if not line.strip():
            continue
        place = Place(shown, number)
        try:
            value = parse_json(line)
        except ValueError as error:
            findings.error(f"not JSON: {error}", place)
            continue
        if isinstance(value, dict):
            rows.append(Row(value, place))
        else:
            findings.error("a row must be a JSON object", place)
    return rows


def _lines(text: str) -> Iterator[str]:
    """One by one: a list of them would take as much memory as the text again."""
    at = 0
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1
    yield text[at:]


def _json(text: str, shown: str, findings: Findings) -> list[Row]:
    """Reads element by element, as only then their lines are known."""
    rows: list[Row] = []
    line, seen = 1, 0
    try:
        for start, value in _elements(text):
            line += text.count("\n", seen, start)
            seen = start
            if isinstance(value, dict):
                rows.append(Row(value, Place(shown, line)))
            else:
                findings.error("a row must be a JSON object", Place(shown, line))
    except json.JSONDecodeError as error:
        findings.error(f"not JSON: {error.msg}", Place(shown, error.lineno, error.colno))
    except ValueError as error:
        findings.error(f"not JSON: {error}", Place(shown, line))
    return rows


def _elements(text: str) -> Iterator[tuple[int, Any]]:
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise json.JSONDecodeError("a dataset is a list of rows", text, at)
    at = _skip(text, at + 1)
    if text[at : at + 1] == "]":
        at = _skip(text, at + 1)
    else:
        while True:
            value, end = _decode(text, at)
            yield at, value
            at = _skip(text, end)
            mark = text[at : at + 1]
            at = _skip(text, at + 1)
            if mark == "]":
                break
            if mark != ",":
                raise json.JSONDecodeError("expected ',' or ']' after a row", text, at - 1)
    if at < len(text):
        raise json.JSONDecodeError("there is more after the list", text, at)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def parse_json(text: str) -> Any:
    """One JSON value, strictly.

    Raises:
        ValueError: Not JSON, or a duplicate key, NaN, half a surrogate pair, too much nesting.
    """
    at = _skip(text, 0)
    value, end = _decode(text, at)
    if _skip(text, end) < len(text):
        raise ValueError("there is more after the value")
    return value


def _decode(text: str, at: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError(f"nested deeper than {MOST_DEPTH} levels") from None
    written = text[at:end]
    if written.count("[") + written.count("{") > MOST_DEPTH and _depth(value) > MOST_DEPTH:
        raise ValueError(f"nested deeper than {MOST_DEPTH} levels")
    if "\\ud" in written.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half of a surrogate pair") from None
    return value, end


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        inner: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list):
                inner.extend(each)
        level = inner
    return depth


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"duplicate key {twice!r}")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=integer, parse_float=real, parse_constant=_constant
)


def _csv(text: str, shown: str, findings: Findings) -> list[Row]:
    rows: list[Row] = []
    limit = csv.field_size_limit(MOST_BYTES)  # the default refuses prompts of 128 kB
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        header = next(reader, None)
        if not header:
            findings.error("the first line must name the columns", Place(shown, 1))
            return []
        twice = sorted(name for name, count in Counter(header).items() if count > 1)
        if twice:
            findings.error(f"the column {twice[0]!r} is there twice", Place(shown, 1))
            return []
        line = reader.line_num + 1
        for cells in reader:
            place, line = Place(shown, line), reader.line_num + 1
            if len(cells) == len(header):
                rows.append(Row(dict(zip(header, cells, strict=True)), place, texts_only=True))
            elif cells:
                sentence = f"{len(cells)} cells where the header names {len(header)} columns"
                findings.error(sentence, place)
    except csv.Error as error:
        findings.error(f"not CSV: {error}", Place(shown, reader.line_num))
    finally:
        csv.field_size_limit(limit)
    return rows


_READERS: Mapping[str, Callable[[str, str, Findings], list[Row]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".json": _json,
    ".yaml": _yaml,
    ".yml": _yaml,
}
