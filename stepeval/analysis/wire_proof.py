"""Whether what the arms set reached the server, and whether it made a difference.

A harness that sends a parameter only to models it knows, or a server that ignores one, makes arms
that differ in name only. The bodies as they were sent, and the reasoning that came back, tell.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median
from typing import Any, TypeAlias

from stepeval.analysis.timing import reasoning_tokens
from stepeval.core.chat import JsonObject, Response
from stepeval.core.ports import RecordReader
from stepeval.core.record import Record
from stepeval.core.task import Arm, Suite

EFFORT = "reasoning_effort"

_MOST_VALUES = 5  # a parameter with more (a seed per request) is shown by its first ones
_SAME_SHARE = 0.95
_SAME_MEDIAN = 0.02
_ENOUGH_ITEMS = 10

_Item: TypeAlias = tuple[str, int]  # sample key, epoch


@dataclass(frozen=True, slots=True)
class ArmWire:
    """``params``: every key of the bodies but ``messages``, with the values it had (five at most).

    ``reasoning``: the median a request, in ``reasoning_unit`` (tokens or characters); both None
    where the server showed none.
    """

    arm: str
    params: Mapping[str, tuple[Any, ...]]
    requests: int
    reasoning: float | None
    reasoning_unit: str | None


@dataclass(frozen=True, slots=True)
class WireProof:
    """``warnings`` are sentences for people; empty: the arms differ as they should."""

    arms: tuple[ArmWire, ...]
    warnings: tuple[str, ...]


class _Seen:
    """What one arm sent and got back; bodies are reduced to their parameters at once."""

    def __init__(self, arm: Arm) -> None:
        self.arm = arm
        self.requests = 0
        self.params: dict[str, dict[str, Any]] = {}
        self.tokens: dict[_Item, float] = {}
        self.characters: dict[_Item, float] = {}

    def add(self, record: Record) -> None:
        for attempt in record.attempts:
            self.requests += 1
            for name, value in _sent(attempt.exchange.body).items():
                values = self.params.setdefault(name, {})
                if len(values) < _MOST_VALUES:
                    values.setdefault(_canonical(value), value)
        result = record.result
        if not isinstance(result, Response):
            return
        item = (record.cell.sample.key, record.cell.epoch)
        tokens, _ = reasoning_tokens(result)
        if tokens is not None:
            self.tokens[item] = tokens
        texts = [choice.reasoning for choice in result.choices if choice.reasoning is not None]
        if texts:
            self.characters[item] = sum(map(len, texts))

    def wire(self) -> ArmWire:
        params = {name: tuple(values.values()) for name, values in sorted(self.params.items())}
        found, unit = self.tokens, "tokens"
        if not found:
            found, unit = self.characters, "characters"
        if not found:
            return ArmWire(self.arm.name, params, self.requests, None, None)
        return ArmWire(self.arm.name, params, self.requests, median(found.values()), unit)


class Witness:
    """Is shown a run's records one by one, by whoever reads them anyway."""

    def __init__(self, suite: Suite) -> None:
        self._seen = {arm.name: _Seen(arm) for arm in suite.every_arm}

    def add(self, record: Record) -> None:
        self._seen[record.cell.arm.name].add(record)

    def proof(self) -> WireProof:
        seen = list(self._seen.values())
        return WireProof(tuple(arm.wire() for arm in seen), tuple(_warnings(seen)))


def wire_proof(reader: RecordReader) -> WireProof:
    witness = Witness(reader.suite())
    for record in reader.records():
        witness.add(record)
    return witness.proof()


def _warnings(arms: list[_Seen]) -> Iterator[str]:
    for one, other in combinations(arms, 2):
        if not (one.requests and other.requests) or not _comparable(one.arm, other.arm):
            continue
        differing = _differing(one.arm.params, other.arm.params)
        lost = _lost(one, other, differing)
        if lost:
            yield (
                f"{one.arm.name} and {other.arm.name}: {' and '.join(lost)} "
                f"{'differs' if len(lost) == 1 else 'differ'} in the suite but not on the wire"
            )
        elif differing == [EFFORT]:
            sameness = _same_reasoning(one, other)
            if sameness:
                yield (
                    f"{one.arm.name} and {other.arm.name}: {EFFORT} differs on the wire but "
                    f"reasoning does not ({sameness}): the server may ignore it"
                )


def _comparable(one: Arm, other: Arm) -> bool:
    """Only the parameters tell them apart."""
    return (one.provider, one.model, one.prompt) == (other.provider, other.model, other.prompt)


def _differing(one: JsonObject, other: JsonObject) -> list[str]:
    names = sorted({*one, *other})
    return [name for name in names if one.get(name) != other.get(name)]


def _lost(one: _Seen, other: _Seen, differing: list[str]) -> list[str]:
    none: dict[str, Any] = {}
    return [
        name
        for name in differing
        if one.params.get(name, none).keys() == other.params.get(name, none).keys()
    ]


def _same_reasoning(one: _Seen, other: _Seen) -> str | None:
    """How alike the reasoning is over the items both arms answered; None: not alike, or too few."""
    for unit, left, right in (
        ("tokens", one.tokens, other.tokens),
        ("characters", one.characters, other.characters),
    ):
        items = left.keys() & right.keys()
        if len(items) < _ENOUGH_ITEMS:
            continue
        equal = sum(left[item] == right[item] for item in items) / len(items)
        a, b = (median(values[item] for item in items) for values in (left, right))
        if equal >= _SAME_SHARE or abs(a - b) <= _SAME_MEDIAN * max(a, b):
            return f"median {a:g} vs {b:g} {unit} over {len(items)} items"
        return None
    return None


def _sent(body: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(data, dict):
        return {}
    return {name: value for name, value in data.items() if name != "messages"}


def _canonical(value: Any) -> str:
    """Equal for equal JSON values only: 1 is neither true nor 1.0."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else repr(value)
