"""A suite file becomes a Suite: read, checked, expanded and rendered once for every sample."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stepeval.core.errors import Problem, SuiteError
from stepeval.core.task import Arm, Limits, Price, Provider, Sample, Suite
from stepeval.suite.arms import read_arms
from stepeval.suite.budget import read_budget
from stepeval.suite.dataset import read_dataset
from stepeval.suite.expectation import read_expectation
from stepeval.suite.findings import Findings
from stepeval.suite.folder import PathRefused, read_inside
from stepeval.suite.limits import read_limits
from stepeval.suite.plan import read_drafts, read_plan
from stepeval.suite.prompts import (
    DEFAULT_PROMPT,
    PlacedPrompt,
    ReadFile,
    check_rendering,
    read_prompts,
)
from stepeval.suite.providers import (
    CUSTOM_PROVIDER,
    all_providers,
    custom_provider,
    default_provider,
    key_problem,
)
from stepeval.suite.schema import SuiteFile
from stepeval.suite.scoring import read_scoring, warn_of_idle_rules
from stepeval.suite.sentences import report
from stepeval.suite.yaml_tree import MOST_BYTES, Node, plain, read_yaml

_STAND_INS = {"stepeval": 1, "name": "unnamed", "dataset": [{"input": "none"}]}


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says; it wins over the suite's defaults and its grid's axes.

    Several models become the model axis. ``base_url`` replaces every provider by one that is
    trusted; ``trust_base_url`` trusts the suite's own.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    model: tuple[str, ...] = ()
    concurrency: int | None = None
    base_url: str | None = None
    key_env: str | None = None
    trust_base_url: bool = False
    seed: int | None = None
    epochs: int | None = None
    max_cells: int | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    suite: Suite
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """What every step of one reading shares. ``failed``: sections the schema refused."""

    path: Path
    root: Node
    file: SuiteFile
    failed: frozenset[str]
    overrides: Overrides
    findings: Findings
    read_file: ReadFile

    def is_sound(self, *sections: str) -> bool:
        return not self.failed.intersection(sections)


_NO_OVERRIDES = Overrides()


def load_suite(
    path: Path, *, scorers: Mapping[str, type], overrides: Overrides = _NO_OVERRIDES
) -> LoadedSuite:
    """The checked suite of a YAML file. ``scorers`` maps names to dataclasses of their options.

    Raises:
        SuiteError: Every mistake of the file at once, each with its place.
    """
    return read_suite(suite_text(path), path, scorers=scorers, overrides=overrides)


def read_suite(
    text: str, path: Path, *, scorers: Mapping[str, type], overrides: Overrides = _NO_OVERRIDES
) -> LoadedSuite:
    """The checked suite of a YAML text; files it names are looked for beside ``path``.

    Raises:
        SuiteError: Every mistake at once, each with its place.
    """
    findings = Findings()
    root = read_yaml(text, str(path))
    if not isinstance(root.value, dict):
        sentence = "a suite is a mapping that begins with 'stepeval: 1'"
        raise SuiteError([root.place.problem(sentence)])
    file, failed = _validated(root, findings)
    source = _Source(path, root, file, failed, overrides, findings, file_reader(path.parent))
    suite = _read(source, scorers)
    findings.raise_errors(str(path))
    return LoadedSuite(suite, findings.warnings)


def _validated(root: Node, findings: Findings) -> tuple[SuiteFile, frozenset[str]]:
    """The file as far as it is sound, with stand-ins for the sections that are not."""
    data = plain(root)
    try:
        return SuiteFile.model_validate(data), frozenset()
    except ValidationError as error:
        failed = report(error, findings, root, SuiteFile)
    sound = {name: value for name, value in data.items() if name not in failed}
    return SuiteFile.model_validate({**_STAND_INS, **sound}), failed


def _read(source: _Source, scorers: Mapping[str, type]) -> Suite:
    """Runs every step that its sections allow; the result is of use only without findings."""
    file, root, findings = source.file, source.root, source.findings
    limits, epochs, seed = _numbers(source)
    samples: tuple[Sample, ...] = ()
    node = root.get("dataset")
    if node is not None and source.is_sound("dataset"):
        samples = read_dataset(file.dataset, node, findings, source.read_file)
    prompts = read_prompts(file.prompts, root, findings, source.read_file)
    providers = _providers(source)
    scoring = (
        read_scoring(file.scoring, root, findings, scorers, source.read_file)
        if source.is_sound("scoring")
        else ()
    )
    arms = _arms(source, prompts, providers, items=len(samples) * epochs, limits=limits)
    if samples:
        warn_of_idle_rules(scoring, samples, root, findings)
        used = {arm.prompt for arm in arms} or set(prompts)
        check_rendering([prompts[name] for name in prompts if name in used], samples, findings)
    reached = {arm.provider for arm in arms}
    _check_given_key(source, providers, reached)
    return Suite(
        name=file.name,
        providers=tuple(each for name, each in providers.items() if name in reached),
        prompts=tuple(placed.prompt for placed in prompts.values()),
        samples=samples,
        arms=arms,
        description=file.description,
        scoring=scoring,
        epochs=epochs,
        seed=seed,
        limits=limits,
        budget=read_budget(file.budget, root, findings),
        prices=_prices(file),
        source=str(source.path),
        cache=file.cache,
        expect=read_expectation(file.expect, samples, arms, root, findings),
    )


def _numbers(source: _Source) -> tuple[Limits, int, int]:
    """Limits, epochs and seed, the command line's first."""
    file, over = source.file, source.overrides
    for name in ("concurrency", "epochs", "max_cells"):
        value = getattr(over, name)
        if value is not None and value < 1:
            source.findings.error(f"{name} must be at least 1, not {value}", None)
    limits = read_limits(
        file.limits, tier=over.tier, concurrency=over.concurrency, max_cells=over.max_cells
    )
    epochs = file.epochs if over.epochs is None else over.epochs
    return limits, epochs, file.seed if over.seed is None else over.seed


def _providers(source: _Source) -> dict[str, Provider]:
    over = source.overrides
    if over.base_url is not None:
        try:
            provider = custom_provider(over.base_url, over.key_env)
        except ValueError as error:
            source.findings.error(str(error), None)
            return {}
        return {provider.name: provider}
    return all_providers(
        source.file.providers,
        source.root,
        source.findings,
        trusted=over.trust_base_url,
        key_env=over.key_env,
    )


def _check_given_key(
    source: _Source, providers: Mapping[str, Provider], reached: Iterable[str]
) -> None:
    """The command line's variable at providers the suite does not declare itself."""
    over = source.overrides
    if over.key_env is None or over.base_url is not None:
        return
    for name in sorted(set(reached) - set(source.file.providers)):
        base_url = providers[name].base_url
        wrong = key_problem(base_url, (over.key_env,), trusted=over.trust_base_url)
        if wrong:
            source.findings.error(wrong, None)


def _arms(
    source: _Source,
    prompts: Mapping[str, PlacedPrompt],
    providers: Mapping[str, Provider],
    *,
    items: int,
    limits: Limits,
) -> tuple[Arm, ...]:
    file, over, findings = source.file, source.overrides, source.findings
    if not source.is_sound("defaults", "grid"):
        return ()
    parameters = dict(over.parameters)
    if over.base_url is not None:
        parameters["provider"] = CUSTOM_PROVIDER
    fallbacks = {"provider": default_provider(file.providers), "prompt": _only(prompts)}
    plan = read_plan(
        source.root,
        fallbacks={kind: name for kind, name in fallbacks.items() if name is not None},
        parameters=parameters,
        models=over.model,
    )
    drafts = read_drafts(plan, source.root, findings, items=items, most_cells=limits.max_cells)
    every_one = len(prompts) == len(file.prompts or (DEFAULT_PROMPT,))
    declared = {CUSTOM_PROVIDER} if over.base_url is not None else set(file.providers)
    if (
        not every_one
        or not declared <= set(providers)
        or not source.is_sound("providers", "prompts")
    ):
        return ()  # a name that is missing here may be one that could not be read
    return read_arms(
        drafts,
        {name: placed.prompt for name, placed in prompts.items()},
        providers,
        findings,
        merge=bool(parameters or over.model),
    )


def _only(names: Iterable[str]) -> str | None:
    found = tuple(names)
    return found[0] if len(found) == 1 else None


def _prices(file: SuiteFile) -> dict[str, Price]:
    """Without a price of its own, what is cached costs what all input costs: an upper bound."""
    return {
        model: Price(
            entry.currency,
            entry.input,
            entry.input if entry.cached is None else entry.cached,
            entry.output,
            entry.as_of,
        )
        for model, entry in file.pricing.items()
    }


def file_reader(root: Path) -> ReadFile:
    def read(name: str, most_bytes: int) -> tuple[str, str]:
        data = read_inside(root, name, most_bytes)
        try:
            return data.decode("utf-8-sig"), str(root / name)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise PathRefused(f"line {line} of {name!r} is not UTF-8 text") from None

    return read


def suite_text(path: Path) -> str:
    """The file the user named: unlike those a suite names, it may lie anywhere."""
    name = str(path)
    try:
        if not path.is_file():
            raise SuiteError(
                [Problem("this is a folder" if path.is_dir() else "no such file", name)]
            )
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise SuiteError([Problem(f"cannot read the suite: {reason}", name)]) from None
    if len(data) > MOST_BYTES:
        raise SuiteError([Problem(f"larger than {MOST_BYTES // 1_000_000} MB", name)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SuiteError([Problem("this is not UTF-8 text", name, line)]) from None
