"""Stored runs become a baseline, and a baseline is found by its name."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, fsum, log
from pathlib import Path
from typing import Any

from stepeval.analysis.item_values import ItemTally
from stepeval.analysis.pairing import cluster_names
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.steadiness import latency_fitness
from stepeval.core.baseline import Baseline, BaselineArm, ItemValues, rules_id
from stepeval.core.errors import RunNotFound, UnknownName, UsageError
from stepeval.core.hosts import origin_of
from stepeval.core.pricing import price_for
from stepeval.core.record import RunInfo
from stepeval.core.task import Arm, Suite
from stepeval.store.baseline import read_baseline
from stepeval.store.baselines import SUFFIX, BaselinesFolder
from stepeval.store.reader import RunState
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder
from stepeval.suite.grid import arm_content

__all__ = ["BaselinesFolder", "arm_figures", "find_baseline", "make_baseline"]

_DIGITS = 6  # of a score
_TIME, _COST = ".4g", ".9g"  # digits: more of a time are noise, and make every diff longer


def make_baseline(name: str, paths: Sequence[Path]) -> Baseline:
    """Of all that the runs at ``paths`` asked, each arm's items with every run's values.

    Raises:
        UsageError: A run is not complete, or not of one kind with the first.
    """
    readers = [RunReader(path) for path in paths]
    first = readers[0]
    for reader in readers:
        _check_whole(reader)
        _check_alike(first, reader)
    info, suite = first.info(), first.suite()
    tally = ItemTally()
    for reader in readers:
        tally.add(sample_rows(reader))
    clusters = cluster_names(suite)
    arms = (_arm(arm, suite, info, tally.items(arm.name, clusters)) for arm in suite.arms)
    return Baseline(
        name=name,
        suite=suite.name,
        suite_hash=info.suite_hash,
        scoring=rules_id(suite.scoring),
        mode=info.mode,
        made_at=max(reader.info().created_at for reader in readers),
        runs=tuple(reader.info().id for reader in readers),
        untimed=next(filter(None, map(_untimed, readers)), None),
        arms=tuple(arms),
    )


def find_baseline(name: str, folder: Path, runs: Path) -> Baseline:
    """By its name in ``folder``, by its file, or made of one stored run.

    Raises:
        UsageError: None of these answers to ``name``, or the one that does cannot be used.
    """
    baselines = BaselinesFolder(folder)
    known = baselines.names()
    if name in known:
        return baselines.read(name)
    if name.endswith(SUFFIX) or _is_file(name):
        return read_baseline(Path(name))
    try:
        run = RunsFolder(runs).find(name)
    except RunNotFound:
        raise UnknownName(f"baseline in {folder}", name, known) from None
    return make_baseline(run.name, [run])


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def _arm(arm: Arm, suite: Suite, info: RunInfo, items: tuple[ItemValues, ...]) -> BaselineArm:
    return BaselineArm(
        name=arm.name,
        provider=arm.provider,
        server=origin_of(suite.provider(arm.provider).base_url),
        model=arm.model,
        prompt=suite.prompt(arm.prompt),
        params=arm.params,
        price=price_for(arm, suite, info.asked_as),
        items=tuple(map(_rounded, items)),
    )


def _rounded(item: ItemValues) -> ItemValues:
    return replace(
        item,
        scores=tuple(None if v is None else round(v, _DIGITS) for v in item.scores),
        e2e_ms=tuple(_short(value, _TIME) for value in item.e2e_ms),
        ttft_ms=tuple(_short(value, _TIME) for value in item.ttft_ms),
        costs=tuple(_short(value, _COST) for value in item.costs),
    )


def _short(value: float | None, digits: str) -> float | None:
    return None if value is None else float(format(value, digits))


def _check_whole(reader: RunReader) -> None:
    info = reader.info()
    if info.load is not None:
        raise UsageError(f"{info.id} is a load benchmark, which judges no prompt")
    status = reader.status()
    if status.state is not RunState.COMPLETE:
        left = status.cells - status.finals
        raise UsageError(
            f"{info.id} lacks {left} of {status.cells} answers: finish it with stepeval resume, "
            "then make the baseline"
        )


def _check_alike(first: RunReader, other: RunReader) -> None:
    """Whether their answers may be pooled: the same questions, asked and judged the same way."""
    ours, theirs = first.suite(), other.suite()
    named = f"{first.info().id} and {other.info().id}"
    again = "make a baseline of runs of one suite"
    if first.info().mode is not other.info().mode:
        modes = f"{first.info().mode} and {other.info().mode}"
        raise UsageError(f"{named} are {modes}: answers of two kinds make no baseline")
    if _asked(ours) != _asked(theirs):
        raise UsageError(f"{named} do not ask the same of the same arms: {again}")
    if rules_id(ours.scoring) != rules_id(theirs.scoring):
        raise UsageError(f"{named} are scored by different rules: score one again, or {again}")
    if {s.key for s in ours.samples} != {s.key for s in theirs.samples}:
        raise UsageError(f"{named} have different samples: {again}")


def _asked(suite: Suite) -> dict[str, str]:
    return {
        arm.name: arm_content(arm, suite.provider(arm.provider), suite.prompt(arm.prompt))
        for arm in suite.arms
    }


def _untimed(reader: RunReader) -> str | None:
    """Why the run's latencies decide nothing, None where they may."""
    reason = latency_fitness(reader.limit_changes(), reader.info())
    return None if reason is None else f"{reader.info().id}: {reason}"


def arm_figures(arm: BaselineArm) -> dict[str, Any]:
    """What an arm of a baseline reached, for people: means over items, None without a value."""
    answers = sum(len(item.scores) for item in arm.items)
    logs = [log(v) for item in arm.items for v in item.e2e_ms if v]
    costs = [v for item in arm.items for v in item.costs if v is not None]
    scores = [_mean([v for v in item.scores if v is not None]) for item in arm.items]
    e2e = _mean(logs)
    return {
        "arm": arm.name,
        "model": arm.model,
        "prompt": arm.prompt.id,
        "items": len(arm.items),
        "answers": answers,
        "score": _mean([score for score in scores if score is not None]),
        "e2e_ms": None if e2e is None else exp(e2e),
        "cost": _mean(costs),
        "currency": None if arm.price is None else arm.price.currency,
    }


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None
