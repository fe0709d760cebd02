"""Rows become samples; every mistake of a file is told with its line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from suite_files import load_text, mistakes

from stepeval.core.task import Sample
from stepeval.suite.findings import Findings
from stepeval.suite.rows import parse_json, read_rows

HEAD = "stepeval: 1\nname: x\ndefaults: {model: m}\n"


def _samples(folder: Path, dataset: str, files: dict[str, str] | None = None) -> tuple[Sample, ...]:
    return load_text(folder, f"{HEAD}dataset: {dataset}\n", files).suite.samples


ROWS = [
    {"id": "a", "input": "1+1", "target": "2", "kind": "sum"},
    {"id": "b", "input": "2+2", "target": "4", "kind": "sum"},
    {"id": "c", "input": "3*3", "target": "9", "kind": "product"},
]
FILES = {
    "d.jsonl": "\n".join(map(json.dumps, ROWS)) + "\n\n",
    "d.json": json.dumps(ROWS, indent=1),
    "d.yaml": json.dumps(ROWS),
    "d.csv": "id,input,target,kind\r\na,1+1,2,sum\r\nb,2+2,4,sum\r\nc,3*3,9,product\r\n",
    "bom.csv": "\ufeffid,input,target,kind\na,1+1,2,sum\nb,2+2,4,sum\nc,3*3,9,product\n",
}


@pytest.mark.parametrize("name", FILES)
def test_all_formats_say_the_same(name: str, tmp_path: Path) -> None:
    samples = _samples(tmp_path, f"{{file: {name}}}", FILES)
    assert samples == tuple(
        Sample(row["id"], row["input"], row["target"], (), {"kind": row["kind"]}) for row in ROWS
    )


def test_keys_beside_an_input_are_metadata_and_without_one_they_are_the_input(
    tmp_path: Path,
) -> None:
    beside, alone = _samples(
        tmp_path,
        "[{input: q, kind: k, metadata: {level: 2}, choices: [x, 1]},"
        " {question: q, context: c, target: t, metadata: {kind: k}}]",
    )
    assert (beside.input, beside.metadata) == ("q", {"kind": "k", "level": 2})
    assert beside.choices == ("x", "1")
    assert alone.input == {"question": "q", "context": "c"}
    assert (alone.target, alone.metadata) == ("t", {"kind": "k"})


def test_ids_are_content_hashes_and_repeated_rows_are_told(tmp_path: Path) -> None:
    text = f"{HEAD}dataset: [{{input: q}}, {{input: q}}, {{input: q}}, {{input: r}}]\n"
    loaded = load_text(tmp_path, text)
    first, second, third, other = (sample.id for sample in loaded.suite.samples)
    assert len(first) == len(other) == 8
    assert first != other
    assert (second, third) == (f"{first}~2", f"{first}~3")
    assert len(loaded.warnings) == 2


def test_csv_values_stay_text_and_choices_are_split(tmp_path: Path) -> None:
    csv = "input,target,choices,level\n007,1e3,yes | no,3\n"
    (sample,) = _samples(tmp_path, "{file: d.csv, filter: {level: 3}}", {"d.csv": csv})
    assert (sample.input, sample.target, sample.choices) == ("007", "1e3", ("yes", "no"))
    assert sample.metadata == {"level": "3"}


def test_filter_then_shuffle_then_limit(tmp_path: Path) -> None:
    rows = ", ".join(f"{{id: s{n}, input: x, even: {str(n % 2 == 0).lower()}}}" for n in range(20))
    dataset = f"{{rows: [{rows}], filter: {{even: true}}, shuffle: 7, limit: 5}}"
    ids = [sample.id for sample in _samples(tmp_path, dataset)]
    assert len(ids) == 5
    assert all(int(each[1:]) % 2 == 0 for each in ids)
    assert ids != sorted(ids)
    assert ids == [sample.id for sample in _samples(tmp_path, dataset)]


def test_fields_rename_columns(tmp_path: Path) -> None:
    dataset = (
        "{rows: [{question: q, answer: a, kind: k}], fields: {input: question, target: answer}}"
    )
    (sample,) = _samples(tmp_path, dataset)
    assert (sample.input, sample.target, sample.metadata) == ("q", "a", {"kind": "k"})


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "d.jsonl",
            '{"input": "a"}\n{"input": }\n[1]\n',
            [
                "data/d.jsonl:2: not JSON: Expecting value: line 1 column 11 (char 10)",
                "data/d.jsonl:3: a row must be a JSON object",
            ],
        ),
        (
            "d.jsonl",
            '{"input": "a", "input": "b"}',
            ["data/d.jsonl:1: not JSON: duplicate key 'input'"],
        ),
        ("d.jsonl", '{"input": NaN}', ["data/d.jsonl:1: not JSON: NaN is not JSON"]),
        (
            "d.jsonl",
            '{"input": "\\ud800"}',
            ["data/d.jsonl:1: not JSON: a text holds half of a surrogate pair"],
        ),
        (
            "d.jsonl",
            '{"input": {"a": ' + "[" * 100 + "]" * 100 + "}}",
            ["data/d.jsonl:1: not JSON: nested deeper than 64 levels"],
        ),
        (
            "d.jsonl",
            '{"input": ' + "[" * 100_000,
            ["data/d.jsonl:1: not JSON: nested deeper than 64 levels"],
        ),
        (
            "d.json",
            '[{"input": "a"},\n {"input": "b"}\n {}]',
            ["data/d.json:3:2: not JSON: expected ',' or ']' after a row"],
        ),
        ("d.json", '[{"input": "a"},\n\n 5]', ["data/d.json:3: a row must be a JSON object"]),
        ("d.json", '{"rows": []}', ["data/d.json:1:1: not JSON: a dataset is a list of rows"]),
        (
            "d.yaml",
            "- input: a\n- b\n",
            ["data/d.yaml:2:3: a row must be a mapping, such as {input: ...}"],
        ),
        (
            "d.yaml",
            "- input: !!python/name:os.system\n",
            [
                (
                    "data/d.yaml:1:10: YAML tags are not supported: "
                    "remove 'tag:yaml.org,2002:python/name:os.system'"
                )
            ],
        ),
        (
            "d.csv",
            'input,target\n"a\nb",1\nc\n',
            ["data/d.csv:4: 1 cells where the header names 2 columns"],
        ),
        ("d.csv", "input,input\na,b\n", ["data/d.csv:1: the column 'input' is there twice"]),
        ("d.csv", 'input\n"a', ["data/d.csv:2: not CSV: unexpected end of data"]),
        ("d.csv", "", ["data/d.csv:1: the first line must name the columns"]),
        (
            "d.txt",
            "a",
            ["data/d.txt: a dataset file must end with one of .csv, .jsonl, .json, .yaml, .yml"],
        ),
        (
            "d.jsonl",
            '{"id": "a", "input": "x"}\n{"id": "a", "input": "y"}',
            ["data/d.jsonl:2: duplicate id 'a' (first on line 1)"],
        ),
        (
            "d.jsonl",
            '{"input": "x", "choices": [[]]}',
            ["data/d.jsonl:1: choices must be a list of texts"],
        ),
        ("d.jsonl", '{"input": "x", "id": ["a"]}', ["data/d.jsonl:1: id must be text, not a list"]),
        (
            "d.jsonl",
            '{"input": "x", "a": 1, "metadata": {"a": 2}}',
            ["data/d.jsonl:1: 'a' is both a key of the row and of its metadata"],
        ),
    ],
)
def test_mistakes_of_a_file_are_located_in_it(
    name: str, content: str, expected: list[str], tmp_path: Path
) -> None:
    text = f"{HEAD}dataset: {{file: data/{name}}}\n"
    assert mistakes(tmp_path, text, {f"data/{name}": content}) == expected


def test_a_line_separator_within_a_text_does_not_end_a_jsonl_row(tmp_path: Path) -> None:
    content = json.dumps({"input": "a\u2028b\x85"}, ensure_ascii=False)
    (sample,) = _samples(tmp_path, "{file: d.jsonl}", {"d.jsonl": content})
    assert sample.input == "a\u2028b\x85"


def test_a_long_csv_cell_is_read(tmp_path: Path) -> None:
    content = "input\n" + "x" * 300_000 + "\n"
    (sample,) = _samples(tmp_path, "{file: d.csv}", {"d.csv": content})
    assert len(sample.input) == 300_000


def test_numbers_that_no_64_bits_hold_stay_text() -> None:
    assert parse_json("[18446744073709551616, 1e999, 9223372036854775807]") == [
        "18446744073709551616",
        "1e999",
        9223372036854775807,
    ]


_CELLS = st.dictionaries(
    st.sampled_from(["input", "id", "target", "x"]), st.text(max_size=6), min_size=1
)


@settings(deadline=None, max_examples=100)
@given(st.lists(_CELLS, max_size=5))
def test_json_and_jsonl_read_what_was_written(rows: list[dict[str, Any]]) -> None:
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    for name, text in (("a.jsonl", lines), ("a.json", json.dumps(rows, ensure_ascii=False))):
        findings = Findings()
        assert [dict(row.values) for row in read_rows(name, text, name, findings)] == rows
        assert not findings.failed


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["a.csv", "a.json", "a.jsonl", "a.yaml"]),
    st.text(alphabet='{}[]",:\\ \nab1-&*\x00é', max_size=30),
)
def test_any_text_gives_rows_or_findings(name: str, text: str) -> None:
    findings = Findings()
    rows = read_rows(name, text, name, findings)
    assert all(isinstance(row.values, dict) for row in rows)


def test_a_column_that_is_there_twice_is_found_among_many_names(tmp_path: Path) -> None:
    """Counting each name anew took hours for a header of this width."""
    header = ",".join(["input", *(f"c{n}" for n in range(150_000)), "c7"])
    (sentence,) = mistakes(tmp_path, f"{HEAD}dataset: {{file: d.csv}}\n", {"d.csv": header + "\n"})
    assert "the column 'c7' is there twice" in sentence
