"""A suite file and what the command line says about it become one checked Suite."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepeval.api.builtin import SCORERS
from stepeval.core.errors import Problem
from stepeval.core.task import Suite
from stepeval.suite.loader import LoadedSuite, Overrides, load_suite, read_suite
from stepeval.suite.selection import select


@dataclass(frozen=True, slots=True)
class SuiteOptions:
    """``parameters`` and ``models`` replace the suite's defaults and grid axes of those names."""

    path: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    arms: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    limit: int | None = None
    concurrency: int | None = None
    epochs: int | None = None
    seed: int | None = None
    max_cells: int | None = None
    tier: str | None = None
    base_url: str | None = None
    key_env: str | None = None
    trust_base_url: bool = False


def prepare(options: SuiteOptions) -> tuple[Suite, tuple[Problem, ...]]:
    """The suite as it will run, and warnings.

    Raises:
        SuiteError: Every mistake of the file, located.
        UnknownName: An arm or a sample that the suite does not have.
    """
    loaded = load_suite(options.path, scorers=SCORERS, overrides=_overrides(options))
    return _selected(loaded, options)


def prepare_text(text: str, options: SuiteOptions) -> tuple[Suite, tuple[Problem, ...]]:
    """The same for a suite that is no file; ``options.path`` is what mistakes are located by."""
    loaded = read_suite(text, options.path, scorers=SCORERS, overrides=_overrides(options))
    return _selected(loaded, options)


def _overrides(options: SuiteOptions) -> Overrides:
    return Overrides(
        parameters=options.parameters,
        model=options.models,
        concurrency=options.concurrency,
        base_url=options.base_url,
        key_env=options.key_env,
        trust_base_url=options.trust_base_url,
        seed=options.seed,
        epochs=options.epochs,
        max_cells=options.max_cells,
        tier=options.tier,
    )


def _selected(loaded: LoadedSuite, options: SuiteOptions) -> tuple[Suite, tuple[Problem, ...]]:
    chosen = select(loaded.suite, arms=options.arms, samples=options.samples, limit=options.limit)
    return chosen, loaded.warnings
