"""Suites written into a folder of their own, loaded as a user's would be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest

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

Load: TypeAlias = Callable[..., LoadedSuite]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Writes the suite (and other files by name) and loads it as ``x.yaml``."""
    monkeypatch.chdir(tmp_path)

    def run(text: str, files: Mapping[str, str] | None = None, **overrides: Any) -> LoadedSuite:
        Path("x.yaml").write_text(text, "utf-8")
        for name, content in (files or {}).items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(content, "utf-8")
        return load_suite(Path("x.yaml"), scorers=SCORERS, overrides=Overrides(**overrides))

    return run
