"""Keys that may be anything are also keys that may be misspelt: then the suite is asked about."""

from pathlib import Path

import pytest

from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.core.errors import SuiteError


def write(folder: Path, text: str) -> SuiteOptions:
    path = folder / "s.yaml"
    path.write_text(text)
    return SuiteOptions(path)


def test_a_misspelt_model_is_found_where_it_stands(tmp_path: Path) -> None:
    options = write(
        tmp_path,
        "stepeval: 1\nname: s\ndefaults: {modle: m}\ndataset: [{input: x}]\nscoring: [exact]\n",
    )
    with pytest.raises(SuiteError, match=r"s.yaml:3:.*did you mean 'model' by 'modle'\?"):
        prepare(options)


def test_a_misspelt_key_of_a_row_is_asked_about_once(tmp_path: Path) -> None:
    options = write(
        tmp_path,
        "stepeval: 1\nname: s\ndefaults: {model: m}\n"
        "dataset: [{inptu: x, target: y}, {inptu: z, target: y}]\nscoring: [exact]\n",
    )
    _, warnings = prepare(options)
    assert [w.message for w in warnings] == ["did you mean 'input' by the key 'inptu'?"]


def test_other_keys_of_a_row_are_welcome(tmp_path: Path) -> None:
    options = write(
        tmp_path,
        "stepeval: 1\nname: s\ndefaults: {model: m}\n"
        "dataset: [{input: x, kind: a, difficulty: 1, index: 3, why: w}]\nscoring: [exact]\n",
    )
    assert prepare(options)[1] == ()


def test_a_misspelt_model_name_goes_through_with_a_question(tmp_path: Path) -> None:
    """The server has the last word on what models there are."""
    text = "stepeval: 1\nname: s\ndefaults: {{model: {}}}\ndataset: [{{input: x, target: y}}]\n"
    _, warnings = prepare(write(tmp_path, text.format("step-3.7-flahs") + "scoring: [exact]\n"))
    assert "did you mean 'step-3.7-flash'?" in str(warnings[0])
    assert prepare(write(tmp_path, text.format("gpt-5") + "scoring: [exact]\n"))[1] == ()
