"""What a stored run's suite expects of it, each with its place in the file, and if it holds."""

from dataclasses import replace
from pathlib import Path

from stepeval.analysis.checks import Check, Checked, Ending, Kind, checked
from stepeval.api.gate_checks import gate_checks
from stepeval.core.errors import SuiteError, UsageError
from stepeval.core.task import Suite
from stepeval.store.run import RunReader
from stepeval.suite.places import SuitePlaces, read_places

__all__ = ["Check", "Checked", "Ending", "Kind", "check_run"]

_KEYS = {Kind.SCORE: "score", Kind.GATE: "baseline"}


def check_run(path: Path, root: Path | None = None) -> Checked:
    """``root``: the folder whose suites are looked into for their lines; None: this one.

    A stored run may come from a stranger, so the file it names is read nowhere else.

    Raises:
        StoreError: The run cannot be read.
        UsageError: It is a load benchmark.
    """
    reader = RunReader(path)
    if reader.info().load is not None:
        raise UsageError(f"{path.name} is a load benchmark, of which no suite expects anything")
    found, suite = checked(reader), reader.suite()
    inside = _is_inside(suite, (root or Path.cwd()).resolve())
    if suite.expect.baseline is not None:
        gated = gate_checks(path, suite, inside=inside)
        found = replace(found, checks=(*found.checks, *gated))
    places = _places(suite) if inside else None
    if places is None:
        return replace(found, checks=tuple(replace(c, file=suite.source) for c in found.checks))
    return replace(found, checks=tuple(_placed(check, suite, places) for check in found.checks))


def _is_inside(suite: Suite, root: Path) -> bool:
    try:
        return suite.source is not None and Path(suite.source).resolve().is_relative_to(root)
    except (OSError, ValueError):
        return False


def _places(suite: Suite) -> SuitePlaces | None:
    try:
        return read_places(Path(suite.source or ""))
    except SuiteError:
        return None


def _placed(check: Check, suite: Suite, places: SuitePlaces) -> Check:
    rules = {rule.id: place.line for rule, place in zip(suite.scoring, places.rules, strict=False)}
    broken = tuple(replace(b, line=rules.get(b.rule)) for b in check.broken)
    if check.sample is None:
        place = places.expectation(_KEYS[check.kind])
        return replace(check, file=place.file, line=place.line)
    place, row = places.sample(check.sample), places.samples.get(check.sample)
    line = place.line
    elsewhere = row is not None and row.file != place.file
    if elsewhere and broken:
        line = broken[0].line or line
    told = f"{row.file}:{row.line}" if row is not None and elsewhere else None
    return replace(check, file=place.file, line=line, broken=broken, row=told)
