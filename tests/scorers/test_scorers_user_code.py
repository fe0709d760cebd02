"""A suite owner's own functions: loaded without traces, wrapped so that they break no run."""

import pickle
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

import pytest

from stepeval.core.chat import Choice
from stepeval.core.errors import UsageError
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.user_code import load_user_scorer

SOURCE = """
from __future__ import annotations
from dataclasses import dataclass
from stepeval.core.record import Score

@dataclass
class Opinion:
    value: float

def polite(sample, choice, word="please"):
    return word in choice.text

def as_told(sample, choice, result=None):
    return result

def full(sample, choice):
    return Score("whatever", 0.25, answer="a", explanation="so so")

def too_sure(sample, choice):
    return Score("whatever", 7)

def broken(sample, choice):
    return {}[choice.text]

def leaving(sample, choice):
    raise SystemExit(3)

async def later(sample, choice):
    return True

def opinion(sample, choice):
    return Opinion(0.5).value

NUMBER = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    return path


def judge(path: Path, name: str, text: str = "x", **options: Any) -> Score:
    return load_user_scorer(path, name, options)(Sample("s", "q"), Choice(0, text))


def test_a_function_is_called_with_its_options(file: Path) -> None:
    assert judge(file, "polite", "yes please") == Score("polite", 1.0)
    assert judge(file, "polite", "yes please", word="kindly").value == 0
    assert judge(file, "opinion").value == 0.5


@pytest.mark.parametrize(
    ("result", "value"), [(True, 1), (False, 0), (0.5, 0.5), (1, 1), (0, 0), (None, None)]
)
def test_what_a_function_may_return(file: Path, result: Any, value: float | None) -> None:
    assert judge(file, "as_told", result=result).value == value


@pytest.mark.parametrize("result", ["yes", [1], {}, 1.5, -0.1, float("nan"), float("inf"), 1j])
def test_any_other_result_is_unscored(file: Path, result: Any) -> None:
    score = judge(file, "as_told", result=result)
    assert score.value is None
    assert "as_told returned" in str(score.explanation)


def test_a_score_keeps_its_parts_but_not_its_name_or_a_value_out_of_range(file: Path) -> None:
    assert judge(file, "full") == Score("full", 0.25, answer="a", explanation="so so")
    assert judge(file, "too_sure").value is None


def test_an_exception_is_unscored_with_its_line_and_not_a_wrong_answer(file: Path) -> None:
    score = judge(file, "broken")
    line = SOURCE.splitlines().index("    return {}[choice.text]") + 1
    assert score.value is None
    assert score.explanation == f"broken raised KeyError (mine.py, line {line}): 'x'"
    assert judge(file, "leaving").value is None


def test_an_interrupt_is_not_swallowed(tmp_path: Path) -> None:
    path = tmp_path / "stop.py"
    path.write_text("def stop(sample, choice):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        judge(path, "stop")


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("polit", {}, "did you mean 'polite'"),
        ("NUMBER", {}, "is a int, not a function"),
        ("later", {}, "is async"),
        ("polite", {"wrod": 1}, "must take \\(sample, choice\\) and its options.*wrod"),
    ],
)
def test_a_wrong_name_or_option_is_refused_when_loaded(
    file: Path, name: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        load_user_scorer(file, name, options)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def f(:\n", "SyntaxError .*line 1"),
        ("x = 1\nraise ValueError('no')\n", "ValueError .*line 2.*: no"),
        ("raise SystemExit(0)\n", "SystemExit"),
        ("import not_a_module_anywhere\n", "ModuleNotFoundError"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_does_not_load_is_a_usage_error(
    tmp_path: Path, source: str | None, sentence: str
) -> None:
    path = tmp_path / "mine.py"
    if source is not None:
        path.write_text(source)
    before = set(sys.modules)
    with pytest.raises(UsageError, match=sentence):
        load_user_scorer(path, "f", {})
    assert not {name for name in set(sys.modules) - before if "stepeval_user" in name}


def test_loading_leaves_no_bytecode_and_no_path_behind(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # as it is for most people
    path_before = list(sys.path)
    assert judge(file, "polite", "please").value == 1
    assert [item.name for item in file.parent.iterdir()] == ["mine.py"]
    assert sys.path == path_before


def test_planted_bytecode_is_not_run(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("def polite(sample, choice):\n    return 0.125\n")
    py_compile.compile(
        str(other),
        cfile=cache_from_source(str(file)),
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    assert judge(file, "polite", "please").value == 1


def test_two_files_of_one_name_do_not_mix(tmp_path: Path) -> None:
    for folder, result in (("a", "True"), ("b", "False")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"def f(sample, choice):\n    return {result}\n")
    first = load_user_scorer(tmp_path / "a" / "mine.py", "f", {})
    second = load_user_scorer(tmp_path / "b" / "mine.py", "f", {})
    sample, choice = Sample("s", "q"), Choice(0, "x")
    assert (first(sample, choice).value, second(sample, choice).value) == (1, 0)


def test_it_travels_to_another_process(file: Path) -> None:
    scorer = load_user_scorer(file, "polite", {"word": "kindly"})
    copy = pickle.loads(pickle.dumps(scorer))
    assert copy == scorer
    assert copy(Sample("s", "q"), Choice(0, "kindly")).value == 1
