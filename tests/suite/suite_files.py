"""Suites written into a folder of their own, loaded as a user's would be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from stepeval.core.errors import SuiteError
from stepeval.suite.loader import LoadedSuite, Overrides, load_suite

MINIMAL = """\
stepeval: 1
name: small
defaults: {model: step-3.7-flash}
dataset: [{id: a, input: one}, {id: b, input: two}]
"""


@dataclass(frozen=True)
class Exact:
    value: str | tuple[str, ...] | None = None
    ignore_case: bool = False


@dataclass(frozen=True)
class Includes:
    mode: Literal["any", "all"] = "any"
    ignore_case: bool = False


@dataclass(frozen=True)
class Numeric:
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.tolerance < 0:
            raise ValueError("tolerance must not be negative")


@dataclass(frozen=True)
class Length:
    unit: Literal["characters", "words"]
    max: int | None = None


SCORERS: Mapping[str, type] = {
    "exact": Exact,
    "includes": Includes,
    "numeric": Numeric,
    "length": Length,
}


def load_text(
    folder: Path, text: str, files: Mapping[str, str] | None = None, **overrides: Any
) -> LoadedSuite:
    """Loads the text as ``x.yaml`` of the folder, with other files beside it."""
    for name, content in {"x.yaml": text, **(files or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    return load_suite(folder / "x.yaml", scorers=SCORERS, overrides=Overrides(**overrides))


def mistakes(
    folder: Path, text: str, files: Mapping[str, str] | None = None, **overrides: Any
) -> list[str]:
    """The lines a user reads who typed ``x.yaml`` in that folder."""
    with pytest.raises(SuiteError) as caught:
        load_text(folder, text, files, **overrides)
    return str(caught.value).replace(f"{folder}/", "").splitlines()
