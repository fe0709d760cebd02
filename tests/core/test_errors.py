import re

from stepeval.core import errors
from stepeval.core.errors import ExitCode, Problem, StepevalError, SuiteError, did_you_mean


def all_errors(root: type[StepevalError] = StepevalError) -> list[type[StepevalError]]:
    return [root, *(sub for child in root.__subclasses__() for sub in all_errors(child))]


def test_the_drawn_tree_shows_every_error_with_its_exit_code() -> None:
    """The docstring is what people read; it must not drift from the classes."""
    drawn = dict(re.findall(r"(\w+)\s+(\d+)  ", errors.__doc__ or ""))
    here = [cls for cls in all_errors() if cls.__module__ == errors.__name__]
    assert drawn == {cls.__name__: str(int(cls.exit_code)) for cls in here}


def test_exit_codes_are_distinct_and_a_success_is_zero() -> None:
    assert int(ExitCode.OK) == 0
    assert len({int(code) for code in ExitCode}) == len(list(ExitCode))


def test_a_problem_points_like_a_compiler_does() -> None:
    assert str(Problem("wrong", "suites/x.yaml", 14, 7)) == "suites/x.yaml:14:7: wrong"
    assert str(Problem("wrong", "data/x.jsonl", 3)) == "data/x.jsonl:3: wrong"
    assert str(Problem("wrong")) == "wrong"


def test_a_suite_error_tells_every_problem() -> None:
    error = SuiteError([Problem("a", "x", 1, 1), Problem("b", "x", 2, 1)])
    assert str(error) == "x:1:1: a\nx:2:1: b"


def test_did_you_mean_names_the_nearest_in_its_own_spelling() -> None:
    assert did_you_mean("TEMPRATURE", ["Temperature", "top_p"]) == " (did you mean 'Temperature'?)"
    assert did_you_mean("zzz", ["b", "a"]) == " (known: a, b)"
    assert did_you_mean("zzz", []) == ""
