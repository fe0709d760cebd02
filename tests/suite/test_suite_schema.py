"""The JSON Schema, the starter and the page on suites agree with the loader."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from suite_files import load_text

from stepeval.api.builtin import SCORERS
from stepeval.core.errors import SuiteError
from stepeval.suite.json_schema import suite_schema
from stepeval.suite.loader import load_suite
from stepeval.suite.schema import SuiteFile
from stepeval.suite.starter import STARTER
from stepeval.suite.yaml_tree import plain, read_yaml

PAGE = (Path(__file__).parents[2] / "docs" / "suites.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMPLETE = [block for block in BLOCKS if re.search(r"^stepeval: 1$", block, re.MULTILINE)]
FILES = {
    "data/questions.jsonl": '{"question": "1+1?", "answer": "2", "kind": "sum"}\n',
    "prompts/careful.md": "Think first. {{ input }}\n",
    "my_scorers.py": "def polite(sample, choice): return True\n",
}
BASE = "stepeval: 1\nname: x\ndefaults: {model: m}\ndataset: [{input: a}]\n"


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = suite_schema(SCORERS)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def _load(folder: Path, text: str) -> Any:
    for name, content in {**FILES, "x.yaml": text}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    return load_suite(folder / "x.yaml", scorers=SCORERS)


@pytest.mark.parametrize("text", [STARTER, *COMPLETE])
def test_shown_suites_load_and_fit_the_schema(text: str, tmp_path: Path, validator: Any) -> None:
    assert _load(tmp_path, text).suite.cell_count > 0
    validator.validate(plain(read_yaml(text, "x.yaml")))


def test_the_page_shows_complete_suites_and_every_key() -> None:
    assert len(COMPLETE) >= 3
    for name in SuiteFile.model_fields:
        assert f"`{name}`" in PAGE or f"`{name}:" in PAGE, name


def test_the_starter_has_eight_samples_and_two_arms(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, STARTER)
    assert len(loaded.suite.samples) == 8
    assert [arm.name for arm in loaded.suite.arms] == ["low", "high"]
    assert not loaded.warnings


@pytest.mark.parametrize(
    "section",
    [
        "epoch: 2",
        "epochs: 0",
        "scoring: [exat]",
        "scoring: [{scorer: numeric, tolerence: 1}]",
        "scoring: [{scorer: numeric, tolerance: x}]",
        "scoring: [{scorer: numeric, not: 5}]",
        "grid: {model: a}",
        "grid: {temperature: 1}",
        "prompts: [{id: a, messages: [{role: usr}]}]",
        "limits: {concurrency: many}",
    ],
)
def test_schema_and_loader_refuse_the_same(section: str, tmp_path: Path, validator: Any) -> None:
    text = BASE + section + "\n"
    assert list(validator.iter_errors(plain(read_yaml(text, "x.yaml"))))
    with pytest.raises(SuiteError):
        _load(tmp_path, text)


def test_the_schema_describes_each_scorers_options() -> None:
    schema = suite_schema(SCORERS)
    json.dumps(schema)
    branches = schema["$defs"]["RuleEntry"]["oneOf"]
    by_name = {branch.get("title"): branch for branch in branches}
    assert set(SCORERS) <= set(by_name)
    assert {"tolerance", "weight", "not", "where"} <= set(by_name["numeric"]["properties"])
