"""Scorers written in a suite owner's own Python file.

Loading runs that file. Whether it may run is decided by whoever calls :func:`load_user_scorer`.
"""

import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from numbers import Real
from pathlib import Path
from traceback import extract_tb
from types import CodeType, ModuleType
from typing import Any

from stepeval.core.chat import Choice
from stepeval.core.errors import UsageError, did_you_mean
from stepeval.core.identity import content_id
from stepeval.core.ports import Scorer
from stepeval.core.record import Score
from stepeval.core.task import Sample
from stepeval.scorers.verdict import brief, unscored


class _SourceOnly(SourceFileLoader):
    """Neither writes bytecode beside the suite nor trusts what lies there."""

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader protocol's shape
        return self.source_to_code(self.get_data(self.path), self.path)


@dataclass(frozen=True, slots=True)
class UserScorer:
    """Calls ``function(sample, choice, **options)``; what goes wrong in it leaves it unscored."""

    path: Path
    name: str
    options: Mapping[str, Any]
    function: Callable[..., Any] = field(repr=False, compare=False)

    def __call__(self, sample: Sample, choice: Choice) -> Score:
        try:
            result = self.function(sample, choice, **self.options)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code may raise anything
            return unscored(self.name, f"{self.name} raised {_described(error, self.path)}")
        return _as_score(self.name, result)

    def __reduce__(self) -> tuple[Any, ...]:
        # The function's module exists in this process only; another one loads the file again.
        return load_user_scorer, (self.path, self.name, self.options)


def load_user_scorer(path: Path, name: str, options: Mapping[str, Any]) -> Scorer:
    """The function ``name`` of the file at ``path``, with ``options`` as keyword arguments.

    The function takes ``(sample, choice)`` and returns True or False, a number from 0 to 1, a
    Score, or None where it cannot judge. ``sys.path`` stays as it is.

    Raises:
        UsageError: The file cannot be read or run, has no such function, or the function does
            not take the options.
    """
    module = _module(path)
    function = getattr(module, name, None)
    if function is None:
        own = [key for key, value in vars(module).items() if callable(value) and key[:1] != "_"]
        raise UsageError(f"{path} has no function {name!r}{did_you_mean(name, own)}")
    if not callable(function):
        raise UsageError(f"{name!r} in {path} is a {type(function).__name__}, not a function")
    if inspect.iscoroutinefunction(function):
        raise UsageError(f"{name!r} in {path} is async; a scorer is a plain function")
    try:
        inspect.signature(function).bind(None, None, **options)
    except TypeError as error:
        raise UsageError(
            f"{name!r} in {path} must take (sample, choice) and its options: {error}"
        ) from None
    except ValueError:
        pass  # a builtin without a signature shows at its first call what it takes
    return UserScorer(path, name, dict(options), function)


def _module(path: Path) -> ModuleType:
    path = path.resolve()
    # Unlike any importable name, and one per file, so two suites' scorers.py do not mix.
    module_name = f"stepeval_user_{content_id(str(path))}"
    spec = spec_from_file_location(module_name, path, loader=_SourceOnly(module_name, str(path)))
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses and pickle look their module up here
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        del sys.modules[module_name]
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise UsageError(f"{path} cannot be loaded: it raised {_described(error, path)}") from error
    return module


def _as_score(name: str, result: Any) -> Score:
    if isinstance(result, Score):
        result = replace(result, scorer=name)
        value: Any = result.value
    else:
        value = result
    if value is None:
        return result or unscored(name, f"{name} returned None")
    if not isinstance(value, Real):
        kind = type(value).__name__
        return unscored(
            name, f"{name} returned a {kind}, not True, False, a number, None or a Score"
        )
    number = float(value)
    if math.isnan(number) or not 0 <= number <= 1:
        return unscored(name, f"{name} returned {number:g}, which is not from 0 to 1")
    if isinstance(result, Score):
        return replace(result, value=number)
    return Score(scorer=name, value=number)


def _described(error: BaseException, path: Path) -> str:
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if _is(path, frame.filename)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    where = f" ({path.name}, line {line})" if line else ""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return brief(f"{type(error).__name__}{where}{': ' if message else ''}{message}")


def _is(path: Path, filename: str) -> bool:
    return Path(filename) == path.resolve()
