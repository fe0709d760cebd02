"""A suite file becomes the Suite that was meant, and its cells the requests that were meant."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from suite_files import SCORERS, load_text, mistakes

from stepeval.core.chat import Message, Request
from stepeval.core.errors import SuiteError
from stepeval.core.task import Limits, Price, ScoringRule, Suite
from stepeval.suite.grid import cells
from stepeval.suite.loader import load_suite
from stepeval.suite.requests import make_request

HEAD = "stepeval: 1\nname: x\ndefaults: {model: step-3.7-flash}\n"
DATA = "dataset: [{id: a, input: hi, target: SECRET}]\n"


def _requests(suite: Suite) -> list[Request]:
    make = make_request(suite)
    return [make(cell) for cell in cells(suite)]


def test_what_is_written_is_what_runs(tmp_path: Path) -> None:
    text = (
        HEAD
        + DATA
        + "description: d\nepochs: 2\nseed: 7\n"
        + "scoring: [exact, {scorer: exact, weight: 2, not: true, where: {k: [a]}}, numeric]\n"
        + "limits: {concurrency: 3, max_attempts: 2, max_cells: 9}\n"
        + "pricing: {m: {currency: EUR, input: 1, cached: 0.5, output: 2},"
        + " o: {currency: USD, input: 3, output: 4}}\n"
    )
    loaded = load_text(tmp_path, text)
    suite = loaded.suite
    assert (suite.name, suite.description, suite.epochs, suite.seed) == ("x", "d", 2, 7)
    assert suite.scoring == (
        ScoringRule("exact", "exact"),
        ScoringRule("exact-2", "exact", weight=2, negate=True, where={"k": ["a"]}),
        ScoringRule("numeric", "numeric"),
    )
    assert suite.limits == Limits(3, 2, 9)
    assert suite.prices == {"m": Price("EUR", 1, 0.5, 2), "o": Price("USD", 3, 3, 4)}
    assert suite.source == str(tmp_path / "x.yaml")
    assert [str(w).split(": ", 1)[1] for w in loaded.warnings] == [
        "rule 'exact-2' applies to no sample of the dataset"
    ]


def test_paths_are_shown_as_the_user_typed_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub" / "data").mkdir(parents=True)
    (tmp_path / "sub" / "x.yaml").write_text(HEAD + "dataset: {file: data/d.jsonl}\n")
    (tmp_path / "sub" / "data" / "d.jsonl").write_text("{}\n{")
    for folder, typed, shown in (("sub", "x.yaml", "data"), (".", "sub/x.yaml", "sub/data")):
        monkeypatch.chdir(tmp_path / folder)
        with pytest.raises(SuiteError) as caught:
            load_suite(Path(typed), scorers={})
        lines = str(caught.value).splitlines()
        assert lines[0] == f"{shown}/d.jsonl:1: the row has no input"
        assert lines[1].startswith(f"{shown}/d.jsonl:2: not JSON")


def test_default_prompt_asks_the_input_and_params_go_as_they_are(tmp_path: Path) -> None:
    text = HEAD.replace("flash}", "flash, stream: true, stop: [a, b], extra: {x: 1}}") + DATA
    (request,) = _requests(load_text(tmp_path, text).suite)
    assert request == Request(
        provider="stepfun",
        model="step-3.7-flash",
        messages=(Message("user", "hi"),),
        params={"stream": True, "stop": ["a", "b"], "extra": {"x": 1}},
    )
    assert request.stream


PARTS = """\
prompts:
  - id: p
    system: "You know {{ metadata.k }}."
    messages:
      - {role: assistant, content: null,
         tool_calls: [{id: c, function: {name: f, arguments: '{}'}}]}
      - {role: tool, content: "{{ input }}", tool_call_id: c}
      - role: user
        content:
          - {type: text, text: "{{ id }}: {{ question }}"}
          - {type: image_url, image_url: {url: "https://e.example/{{ id }}.png", detail: low}}
    tools: [{type: function, function: {name: "{{ f }}"}}]
    response_format: {type: json_object}
"""


def test_texts_parts_and_nothing_else_are_rendered(tmp_path: Path) -> None:
    text = HEAD + PARTS + "dataset: [{id: a, question: '{{ 7*7 }}', metadata: {k: v}}]\n"
    (request,) = _requests(load_text(tmp_path, text).suite)
    system, call, tool, user = request.messages
    assert system == Message("system", "You know v.")
    assert (call.content, call.tool_calls[0].arguments) == (None, "{}")
    assert (tool.content, tool.tool_call_id) == ('{"question": "{{ 7*7 }}"}', "c")
    assert user.content == (
        {"type": "text", "text": "a: {{ 7*7 }}"},
        {"type": "image_url", "image_url": {"url": "https://e.example/a.png", "detail": "low"}},
    )
    assert request.tools == ({"type": "function", "function": {"name": "{{ f }}"}},)
    assert request.response_format == {"type": "json_object"}


def test_tools_and_response_format_may_be_parameters(tmp_path: Path) -> None:
    text = HEAD + DATA + "grid: {response_format: [{type: text}, {type: json_object}]}\n"
    formats = [r.response_format for r in _requests(load_text(tmp_path, text).suite)]
    assert sorted(str(each) for each in formats) == ["{'type': 'json_object'}", "{'type': 'text'}"]
    assert all(
        "response_format" not in r.params for r in _requests(load_text(tmp_path, text).suite)
    )


def test_a_prompt_cannot_know_the_target(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, HEAD + DATA + "prompts: [{id: p, template: '{{ target }}'}]\n")
    assert "'target' is undefined" in line
    assert "SECRET" not in line


def test_prompt_files(tmp_path: Path) -> None:
    text = (
        HEAD
        + DATA
        + (
            "grid: {prompt: [md, yaml, json]}\nprompts:\n"
            "- {id: md, file: p/a.md, system: s}\n- {id: yaml, file: p/b.yaml}\n"
            "- {id: json, file: p/c.json}\n"
        )
    )
    files = {
        "p/a.md": "# {{ input }}\n",
        "p/b.yaml": "- {role: system, content: b}\n- {role: user, content: '{{ input }}'}\n",
        "p/c.json": '[{"role": "user", "content": "\\ud83d\\ude00 {{ input }}\\\\ud83d"}]',
    }
    suite = load_text(tmp_path, text, files).suite
    found = {r.messages for r in _requests(suite)}
    assert found == {
        (Message("system", "s"), Message("user", "# hi\n")),
        (Message("system", "b"), Message("user", "hi")),
        (Message("user", "\U0001f600 hi\\ud83d"),),
    }


def test_mistakes_in_prompt_files_are_located_there(tmp_path: Path) -> None:
    text = (
        HEAD
        + DATA
        + (
            "grid: {prompt: [md, yaml]}\nprompts:\n"
            "- {id: md, file: a.md}\n- {id: yaml, file: b.yaml}\n"
        )
    )
    files = {"a.md": "one\ntwo {{ 1 + 1 }}\n", "b.yaml": "- {role: user, contnt: x}\n"}
    assert mistakes(tmp_path, text, files) == [
        "a.md:2: a template cannot hold arithmetic",
        "b.yaml:1:16: unknown key 'contnt' (did you mean 'content'?)",
    ]


def test_an_undefined_value_is_told_once_for_all_samples(tmp_path: Path) -> None:
    text = HEAD + (
        "dataset: [{id: a, input: q, kind: k}, {id: b, input: q}, {id: c, input: q}]\n"
        "prompts: [{id: p, template: '{{ metadata.kind }}'}]\n"
    )
    assert mistakes(tmp_path, text) == [
        "x.yaml:5:29: there is no field 'kind' in that value, in prompt 'p', sample 'b' and 1 more"
    ]


def test_a_prompt_that_uses_no_value_is_warned_of(tmp_path: Path) -> None:
    text = HEAD + "dataset: [{input: a}, {input: b}]\nprompts: [{id: p, template: hello}]\n"
    (warning,) = load_text(tmp_path, text).warnings
    assert "uses no value of the sample" in warning.message


def test_unknown_parameters_go_through_with_one_warning(tmp_path: Path) -> None:
    text = HEAD + DATA + "grid: {tempratur: [1, 2]}\n"
    loaded = load_text(tmp_path, text)
    assert [arm.params for arm in loaded.suite.arms] == [{"tempratur": 1}, {"tempratur": 2}]
    (warning,) = loaded.warnings
    assert "did you mean 'temperature'" in warning.message


GRID = "grid: {model: [a, b], temperature: [0, 1], arms: {own: {model: c, temperature: 2}}}\n"


@pytest.mark.parametrize(
    ("overrides", "arms"),
    [
        ({"model": ("z",)}, {"temperature=0": 0, "temperature=1": 1, "own": 2}),
        ({"model": ("y", "z"), "parameters": {"temperature": 0.3}}, {"y": 0.3, "z": 0.3}),
        ({"parameters": {"temperature": 0.3}}, {"a": 0.3, "b": 0.3, "own": 0.3}),
    ],
)
def test_the_command_line_replaces_defaults_axes_and_arms(
    overrides: dict[str, Any], arms: dict[str, float], tmp_path: Path
) -> None:
    suite = load_text(tmp_path, HEAD + DATA + GRID, **overrides).suite
    assert {arm.name: arm.params["temperature"] for arm in suite.arms} == arms
    if "model" in overrides:
        assert {arm.model for arm in suite.arms} == set(overrides["model"])


def test_named_arms_are_repeated_for_each_model(tmp_path: Path) -> None:
    text = HEAD + DATA + "grid: {arms: {u: {temperature: 0.1}, v: {temperature: 0.2}}}\n"
    suite = load_text(tmp_path, text, model=("a", "b")).suite
    assert [arm.name for arm in suite.arms] == ["u/a", "u/b", "v/a", "v/b"]


def test_arms_that_the_command_line_made_the_same_are_one(tmp_path: Path) -> None:
    text = HEAD + DATA + "grid: {arms: {u: {model: a}, v: {model: b}}}\n"
    loaded = load_text(tmp_path, text, model=("c",))
    assert [arm.name for arm in loaded.suite.arms] == ["u"]
    assert loaded.warnings[0].message == "arms 'u' and 'v' are now the same; 'v' is left out"


def test_numbers_of_the_command_line(tmp_path: Path) -> None:
    suite = load_text(tmp_path, HEAD + DATA, concurrency=2, seed=5, epochs=3, max_cells=3).suite
    assert (suite.limits.concurrency, suite.seed, suite.epochs, suite.cell_count) == (2, 5, 3, 3)
    assert mistakes(tmp_path, HEAD + DATA, epochs=0) == ["epochs must be at least 1, not 0"]
    (line,) = mistakes(tmp_path, HEAD + DATA, parameters={"temperature": 9})
    assert line.startswith("temperature of step-3.7-flash must be")


def test_only_the_scorers_a_suite_names_are_looked_up(tmp_path: Path) -> None:
    class Watched(dict[str, type]):
        asked: list[str] = []  # noqa: RUF012 - one list for this one test

        def __getitem__(self, name: str) -> type:
            self.asked.append(name)
            return super().__getitem__(name)

    path = tmp_path / "x.yaml"
    path.write_text(HEAD + DATA + "scoring: [numeric]\n")
    watched = Watched(SCORERS)
    load_suite(path, scorers=watched)
    assert watched.asked == ["numeric"]


def test_the_room_imports_nothing_heavy() -> None:
    code = (
        "import sys, stepeval.suite.loader, stepeval.suite.json_schema\n"
        "heavy = {'pandas', 'numpy', 'scipy', 'jsonschema', 'httpx', 'matplotlib', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
