"""Each mistake of a suite ends in one sentence: what is wrong, where, what would be right."""

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from suite_files import mistakes

from stepeval.core.errors import SuiteError
from stepeval.suite.loader import load_suite

HEAD = "stepeval: 1\nname: x\n"
MODEL = "defaults: {model: step-3.7-flash}\n"
DATA = "dataset: [{input: a, kind: k}]\n"
BASE = HEAD + MODEL + DATA

# The text of a suite, and every line that the user reads.
BAD: dict[str, tuple[str, list[str]]] = {
    "empty": ("", ["x.yaml:1: the file is empty"]),
    "no mapping": ("[]", ["x.yaml:1:1: a suite is a mapping that begins with 'stepeval: 1'"]),
    "unknown version": (
        "stepeval: 2\nname: x\n" + MODEL + DATA,
        ["x.yaml:1:11: stepeval must be 1, not 2"],
    ),
    "no version": (
        "name: x\n" + MODEL + DATA,
        ["x.yaml:1:1: 'stepeval' is missing: begin the file with 'stepeval: 1'"],
    ),
    "name is no slug": (
        "stepeval: 1\nname: ../up\n" + MODEL + DATA,
        [
            (
                "x.yaml:2:7: name must be lower-case letters, digits, '.', '_' or '-', "
                "begin with a letter or digit and have at most 64 characters, not '../up'"
            )
        ],
    ),
    "no dataset": (
        HEAD + MODEL,
        ["x.yaml:1:1: 'dataset' is missing: list the rows under 'dataset:', or name their file"],
    ),
    "no model": (
        HEAD + DATA,
        ["x.yaml:1:1: no model is named: set 'defaults: {model: ...}' or a grid axis 'model'"],
    ),
    "unknown key": (
        BASE + "epoch: 2\n",
        ["x.yaml:5:1: unknown key 'epoch' (did you mean 'epochs'?)"],
    ),
    "unknown nested key": (
        BASE + "limits:\n  max_attemps: 2\n",
        ["x.yaml:6:3: unknown key 'max_attemps' (did you mean 'max_attempts'?)"],
    ),
    "out of range": (
        HEAD + DATA + "defaults: {model: step-3.7-flash, temperature: 3}\n",
        ["x.yaml:4:48: temperature of step-3.7-flash must be at least 0.0 and at most 2.0, not 3"],
    ),
    "list under defaults": (
        HEAD + DATA + "defaults: {model: step-3.7-flash, temperature: [0, 1]}\n",
        [
            (
                "x.yaml:4:48: temperature must be one value, not a list: "
                "a list multiplies only under grid:"
            )
        ],
    ),
    "models under defaults": (
        HEAD + DATA + "defaults: {model: [a, b]}\n",
        ["x.yaml:4:19: model must be text, not a list"],
    ),
    "axis is no list": (
        BASE + "grid: {reasoning_effort: low}\n",
        ["x.yaml:5:26: reasoning_effort must be a list, not 'low'"],
    ),
    "axis is empty": (
        BASE + "grid: {reasoning_effort: []}\n",
        ["x.yaml:5:26: reasoning_effort must hold at least one value, not an empty list"],
    ),
    "wrong values on two axes": (
        BASE + "grid: {reasoning_effort: [low, huge], temperature: [0, 5]}\n",
        [
            (
                "x.yaml:5:32: reasoning_effort of step-3.7-flash must be low or medium or high, "
                "not 'huge'"
            ),
            (
                "x.yaml:5:56: temperature of step-3.7-flash must be at least 0.0 and at most 2.0, "
                "not 5"
            ),
        ],
    ),
    "same arm twice": (
        BASE + "grid: {model: [a, a]}\n",
        ["x.yaml:5:1: arms 'a' and 'a~2' send the same requests; remove one"],
    ),
    "unknown prompt": (
        BASE + "grid: {prompt: [defualt]}\n",
        ["x.yaml:5:17: unknown prompt 'defualt' (did you mean 'default'?)"],
    ),
    "unknown provider": (
        BASE + "grid: {provider: [stepfum]}\n",
        ["x.yaml:5:19: unknown provider 'stepfum' (did you mean 'stepfun'?)"],
    ),
    "messages as a parameter": (
        BASE + "grid: {messages: [[]]}\n",
        ["x.yaml:5:19: 'messages' belong to a prompt, not to the parameters"],
    ),
    "tools twice": (
        BASE + "grid: {tools: [[{a: 1}]]}\nprompts: [{id: p, template: '{{ input }}', "
        "tools: [{b: 1}]}]\n",
        ["x.yaml:5:16: tools is set here and in prompt 'p'; set it in one place"],
    ),
    "all arms excluded": (
        BASE + "grid: {reasoning_effort: [low], exclude: [{reasoning_effort: [low, high]}]}\n",
        ["x.yaml:5:33: the grid excludes every arm"],
    ),
    "unknown scorer": (
        BASE + "scoring: [exat]\n",
        ["x.yaml:5:11: unknown scorer 'exat' (did you mean 'exact'?)"],
    ),
    "unknown option": (
        BASE + "scoring: [{scorer: numeric, tolerence: 1}]\n",
        [
            (
                "x.yaml:5:29: 'tolerence' is no option of the scorer 'numeric' "
                "(did you mean 'tolerance'?)"
            )
        ],
    ),
    "option of a wrong type": (
        BASE + "scoring: [{scorer: numeric, tolerance: x}]\n",
        ["x.yaml:5:40: scorer 'numeric': tolerance must be a number, not 'x'"],
    ),
    "option the scorer refuses": (
        BASE + "scoring: [{scorer: numeric, tolerance: -1}]\n",
        ["x.yaml:5:11: scorer 'numeric': tolerance must not be negative"],
    ),
    "option missing": (
        BASE + "scoring: [length]\n",
        ["x.yaml:5:11: scorer 'length': 'unit' is missing"],
    ),
    "yes for a boolean": (
        BASE + "scoring: [{scorer: exact, not: yes}]\n",
        ["x.yaml:5:32: not must be true or false; 'yes' is text in YAML 1.2"],
    ),
    "scorer file is not there": (
        BASE + "scoring: [./no.py:f]\n",
        ["x.yaml:5:11: there is no file './no.py' in the suite's folder"],
    ),
    "scorer file without a name": (
        BASE + "scoring: [my.py]\n",
        ["x.yaml:5:11: a scorer of your own is './file.py:name', not 'my.py'"],
    ),
    "rule id twice": (
        BASE + "scoring: [{scorer: exact, id: r}, {scorer: exact, id: r}]\n",
        ["x.yaml:5:55: duplicate rule id 'r'"],
    ),
    "scoring entry of a wrong shape": (
        BASE + "scoring: [5]\n",
        [
            (
                "x.yaml:5:11: entry 1 of scoring must be a scorer's name, "
                "or a mapping with 'scorer', not 5"
            )
        ],
    ),
    "prompt without text": (
        BASE + "prompts: [{id: a}]\n",
        ["x.yaml:5:11: prompt 'a' has no text; it needs one of 'template', 'messages' or 'file'"],
    ),
    "prompt with two texts": (
        BASE + "prompts: [{id: a, template: x, file: y}]\n",
        [
            (
                "x.yaml:5:11: prompt 'a' has 'template' and 'file'; "
                "it needs one of 'template', 'messages' or 'file'"
            )
        ],
    ),
    "prompt id twice": (
        BASE + "prompts: [{id: a, template: '{{ input }}'}, {id: a, template: x}]\n",
        ["x.yaml:5:50: duplicate prompt id 'a' (first on line 5)"],
    ),
    "several prompts and none chosen": (
        BASE + "prompts: [{id: a, template: '{{ input }}'}, {id: b, template: x}]\n",
        ["x.yaml:1:1: no prompt is named: set 'defaults: {prompt: ...}' or a grid axis 'prompt'"],
    ),
    "undefined variable": (
        BASE + "prompts:\n  - id: a\n    template: |\n      Hello\n      {{ inptu }}\n",
        [
            (
                "x.yaml:7:15: 'inptu' is undefined (did you mean 'input'?), "
                "in prompt 'a', sample '62cb021d'"
            )
        ],
    ),
    "malformed template": (
        BASE + "prompts:\n  - id: a\n    template: |\n      Hello\n      {{ 1 + 1 }}\n",
        ["x.yaml:9: a template cannot hold arithmetic"],
    ),
    "template without quotes": (
        BASE + "prompts:\n  - id: a\n    template: {{ input }}\n",
        [
            (
                "x.yaml:7:16: a key must be text, not a list or mapping "
                "(put quotes around text that begins with '{{')"
            )
        ],
    ),
    "unknown role": (
        BASE + "prompts: [{id: a, messages: [{role: usr, content: x}]}]\n",
        [
            (
                "x.yaml:5:37: role must be 'system', 'user', 'assistant', 'tool' or 'developer', "
                "not 'usr'"
            )
        ],
    ),
    "content of a wrong shape": (
        BASE + "prompts: [{id: a, messages: [{role: user, content: 5}]}]\n",
        ["x.yaml:5:52: content must be text or a list of parts, not 5"],
    ),
    "row without input": (
        HEAD + MODEL + "dataset: [{target: 5}]\n",
        ["x.yaml:4:11: the row has no input"],
    ),
    "row is no mapping": (
        HEAD + MODEL + "dataset: [5]\n",
        ["x.yaml:4:11: entry 1 of dataset must be a mapping, not 5"],
    ),
    "input of a wrong shape": (
        HEAD + MODEL + "dataset: [{input: [1]}]\n",
        ["x.yaml:4:11: input must be text or a mapping, not a list"],
    ),
    "sample id twice": (
        HEAD + MODEL + "dataset:\n- {id: a, input: b}\n- {id: a, input: c}\n",
        ["x.yaml:6:3: duplicate id 'a' (first on line 5)"],
    ),
    "empty dataset": (HEAD + MODEL + "dataset: []\n", ["x.yaml:4:10: the dataset has no rows"]),
    "dataset without rows or file": (
        HEAD + MODEL + "dataset: {}\n",
        ["x.yaml:4:10: a dataset needs either 'file' or 'rows'"],
    ),
    "dataset of a wrong shape": (
        HEAD + MODEL + "dataset: 5\n",
        ["x.yaml:4:10: dataset must be a list of rows, or a mapping with 'file' or 'rows', not 5"],
    ),
    "filter on an unknown field": (
        HEAD + MODEL + "dataset: {rows: [{input: a, kind: k}], filter: {knid: k}}\n",
        ["x.yaml:4:49: no row has a field 'knid' (did you mean 'kind'?)"],
    ),
    "filter that nothing passes": (
        HEAD + MODEL + "dataset: {rows: [{input: a, kind: k}], filter: {kind: [x]}}\n",
        ["x.yaml:4:40: no row passes the filter"],
    ),
    "unknown column": (
        HEAD + MODEL + "dataset: {rows: [{question: a}], fields: {input: qestion}}\n",
        ["x.yaml:4:50: no row has a column 'qestion' (did you mean 'question'?)"],
    ),
    "unknown host": (
        BASE + "providers: {mine: {base_url: 'https://evil.example/v1'}}\n",
        [
            (
                "x.yaml:5:30: base_url names an unknown host 'evil.example'; "
                "pass --trust-base-url if you trust it"
            )
        ],
    ),
    "unknown provider name": (
        BASE + "providers: {stepfon: {}}\n",
        ["x.yaml:5:13: provider 'stepfon' needs a base_url (did you mean 'stepfun'?)"],
    ),
    "tag": (
        BASE + "seed: !!python/object/apply:os.system [echo]\n",
        [
            (
                "x.yaml:5:7: YAML tags are not supported: "
                "remove 'tag:yaml.org,2002:python/object/apply:os.system'"
            )
        ],
    ),
    "duplicate key": (
        BASE + "seed: 1\nseed: 2\n",
        ["x.yaml:6:1: duplicate key 'seed' (first on line 5)"],
    ),
    "merge key": (
        BASE + "limits: {<<: {concurrency: 1}}\n",
        ["x.yaml:5:10: merge keys ('<<') are not supported; write the values out"],
    ),
    "tab": (
        BASE + "\tseed: 1\n",
        [
            (
                "x.yaml:5:1: this is not YAML: found character that cannot start any token "
                "(YAML is indented with spaces, not tabs)"
            )
        ],
    ),
    "prices": (
        BASE + "pricing: {m: {currency: usd, input: -1, output: x}}\n",
        [
            (
                "x.yaml:5:25: currency must be a currency's three capital letters, such as USD, "
                "not 'usd'"
            ),
            "x.yaml:5:37: input must be at least 0, not -1",
            "x.yaml:5:49: output must be a number, not 'x'",
        ],
    ),
    "mistakes of several sections": (
        BASE + "scoring: [exat]\nlimits: {concurrency: 0}\nprompts: [{id: a}]\n",
        [
            "x.yaml:5:11: unknown scorer 'exat' (did you mean 'exact'?)",
            "x.yaml:6:23: concurrency must be at least 1, not 0",
            "x.yaml:7:11: prompt 'a' has no text; it needs one of 'template', 'messages' or 'file'",
        ],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_the_sentences_of_a_bad_suite(case: str, tmp_path: Path) -> None:
    text, expected = BAD[case]
    assert mistakes(tmp_path, text) == expected


_LINES = st.sampled_from(
    [
        "stepeval: 1",
        "name: x",
        "defaults: {model: step-3.7-flash}",
        "dataset: [{input: a}]",
        "dataset: {file: x.yaml}",
        "prompts: [{id: a, template: '{{ input }}'}]",
        "grid: {model: [a], exclude: [{model: a}]}",
        "scoring: [exact]",
        "a: &a [*a]",
        "? [x]",
        "- x",
        "'",
        "--- |",
        "...",
        "%TAG ! x",
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["file", "rows", "id", "model", "input", "x"]), inner)
    ),
    max_leaves=6,
)
_SECTIONS = st.dictionaries(
    st.sampled_from(
        ["providers", "defaults", "prompts", "dataset", "grid", "epochs", "scoring", "limits"]
    ),
    _VALUES,
)


def _loads_or_says_why(text: str | bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "replace"))
        with suppress(SuiteError):
            assert load_suite(path, scorers={}).suite.cell_count > 0


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=80) | st.text(max_size=80))
@example("\x00")
@example(b"\xff\xfe")
@example("a: *b")
@example("&a [*a]")
@example("0x" + "f" * 5000 + ": " + "9" * 5000)
def test_any_bytes_end_in_a_suite_or_a_suite_error(text: str | bytes) -> None:
    _loads_or_says_why(text)


@settings(deadline=None, max_examples=150)
@given(st.lists(_LINES, max_size=8))
def test_any_mix_of_lines_ends_in_a_suite_or_a_suite_error(lines: list[str]) -> None:
    _loads_or_says_why("\n".join(lines))


@settings(deadline=None, max_examples=200)
@given(_SECTIONS)
def test_any_values_in_any_section_end_in_a_suite_or_a_suite_error(data: dict[str, Any]) -> None:
    _loads_or_says_why(
        "stepeval: 1\nname: x\n"
        + "".join(f"{key}: {json.dumps(value)}\n" for key, value in data.items())
    )


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    for path, sentence in ((tmp_path / "no.yaml", "no such file"), (tmp_path, "this is a folder")):
        with pytest.raises(SuiteError, match=sentence):
            load_suite(path, scorers={})
