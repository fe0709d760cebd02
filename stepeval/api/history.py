"""What the arms of a suite took in stored runs of it."""

import math
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from stepeval.api.estimates import Past
from stepeval.core.chat import Failure, Response, Usage
from stepeval.core.errors import StoreError
from stepeval.core.pricing import cost
from stepeval.core.record import Mode, Record
from stepeval.core.task import Arm, Price, Suite
from stepeval.store.run import RunReader
from stepeval.store.runs import RunsFolder

_MOST_RUNS = 5  # the newest: models and prices change
_MOST_RECORDS = 2_000  # of each
_LOOKED_AT = 200  # runs of other suites lie between them

_TAUGHT = ("refused", "told")
_NS_PER_S = 1e9


def past_of(
    suite: Suite, mode: Mode, folder: Path, prices: Mapping[str, Price | None]
) -> Mapping[str, Past]:
    """By arm. One counts where model, parameters, prompt and address are the same."""
    found = {arm.name: Past() for arm in suite.arms}
    for reader in islice(_runs_of(suite, mode, folder), _MOST_RUNS):
        try:
            _add(reader, suite, found, prices)
        except StoreError:
            continue  # a damaged run is no reason not to plan
    return found


def learned_of(suite: Suite, mode: Mode, folder: Path) -> Mapping[str, Mapping[str, float]]:
    """By provider and kind, the level that the newest stored run ended with, where a refusal or
    the server itself had taught it one.
    """
    for reader in islice(_runs_of(suite, mode, folder), _MOST_RUNS):
        try:
            found = _learned(reader, suite)
        except StoreError:
            continue
        if found:
            return found
    return {}


def _learned(reader: RunReader, suite: Suite) -> Mapping[str, Mapping[str, float]]:
    ours = {(provider.name, provider.base_url) for provider in suite.providers}
    same = {p.name for p in reader.suite().providers if (p.name, p.base_url) in ours}
    found: dict[str, dict[str, float]] = {}
    for change in reader.limit_changes():
        known = found.get(change.provider, {})
        is_limit = math.isfinite(change.level) and change.level >= 1  # the file may be a stranger's
        is_taught = change.why in _TAUGHT or change.kind in known
        if change.provider in same and is_limit and is_taught:
            found[change.provider] = {**known, change.kind: change.level}
    return found


def _runs_of(suite: Suite, mode: Mode, folder: Path) -> Iterator[RunReader]:
    for reader in islice(RunsFolder(folder).newest_first(), _LOOKED_AT):
        info = reader.info()
        if info.suite_name == suite.name and info.mode is mode and info.load is None:
            yield reader


def _add(
    reader: RunReader,
    suite: Suite,
    found: Mapping[str, Past],
    prices: Mapping[str, Price | None],
) -> None:
    stored = reader.suite()
    alike = {
        theirs.name: ours.name
        for theirs in stored.arms
        for ours in suite.arms
        if _asked(stored, theirs) == _asked(suite, ours)
    }
    for known in alike.values():
        found[known].runs += 1
    for record in islice(reader.records(), _MOST_RECORDS):
        name = alike.get(record.cell.arm.name)
        is_asked = isinstance(record.result, Response) and not record.from_cache
        if name is not None and is_asked:
            _add_record(record, found[name], prices[name])


def _asked(suite: Suite, arm: Arm) -> tuple[object, ...]:
    return (arm.model, arm.params, suite.prompt(arm.prompt), suite.provider(arm.provider).base_url)


def _add_record(record: Record, past: Past, price: Price | None) -> None:
    usages = [_usage(attempt.exchange.result) for attempt in record.attempts]
    if usages[-1].input_tokens is None or usages[-1].output_tokens is None:
        return
    past.inputs.append(sum(usage.input_tokens or 0 for usage in usages))
    past.outputs.append(sum(usage.output_tokens or 0 for usage in usages))
    past.seconds.append(sum(a.ended_ns - a.started_ns for a in record.attempts) / _NS_PER_S)
    known = [amount for usage in usages if (amount := cost(usage, price)) is not None]
    if known:
        past.costs.append(sum(known))


def _usage(result: Response | Failure) -> Usage:
    response = result if isinstance(result, Response) else result.partial
    return Usage() if response is None else response.usage
