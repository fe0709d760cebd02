"""Two arms on the same items: what each made of the same sample in the same epoch.

Arms meet on the content of the sample, wherever they ran and wherever it stood in a file.
"""

import math
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.outcomes import counts_as
from stepeval.core.record import Outcome
from stepeval.core.task import Suite

Key: TypeAlias = tuple[str, int, int]
"""The sample's content hash, the epoch and the choice."""

Floats: TypeAlias = NDArray[np.float64]

# Of a choice, and of its request: those stand once, with the request's first choice.
_OF_CHOICE = ("correct", "score", "lost")
_OF_REQUEST = ("cost", "output_tokens", "reasoning_tokens", "ttft_ms", "e2e_ms")
NUMBERS = (*_OF_CHOICE, *_OF_REQUEST)

_UNKNOWN = math.nan
_NEVER_ANSWERED = frozenset({Outcome.FAILED, Outcome.SKIPPED})


class ArmValues:
    """The numbers of one arm, an answer a row; NaN where one is not known or does not count.

    ``lost`` is 1 where thinking left no answer; ``cost`` that of the day it was sent. Texts are
    not kept, so that a run may be larger than memory.
    """

    def __init__(self, arm: str) -> None:
        self.arm = arm
        self.rows: dict[Key, int] = {}
        self.columns = {name: array("d") for name in NUMBERS}
        self.outcomes: list[Outcome] = []
        self.cells: list[str] = []
        self.sample_ids: dict[str, str] = {}
        self.currency: str | None = None

    def add(self, row: SampleRow, *, is_first: bool) -> None:
        self.rows[row.sample_key, row.epoch, row.choice] = len(self.outcomes)
        self.outcomes.append(row.outcome)
        self.cells.append(row.cell_id)
        self.sample_ids.setdefault(row.sample_key, row.sample_id)
        self.currency = row.currency or self.currency
        is_lost = None if row.outcome in _NEVER_ANSWERED else row.outcome is Outcome.NO_ANSWER
        of_choice = (row.correct, counts_as(row.outcome, row.score), is_lost)
        of_request: Sequence[float | None] = (
            (row.original_cost, row.output_tokens, row.reasoning_tokens, row.ttft_ms, row.e2e_ms)
            if is_first
            else (None,) * len(_OF_REQUEST)
        )
        for name, value in zip(NUMBERS, (*of_choice, *of_request), strict=True):
            self.columns[name].append(_UNKNOWN if value is None else value)


def arm_values(rows: Iterable[SampleRow], arms: Collection[str]) -> dict[str, ArmValues]:
    """Of the named arms, in one pass over the rows of one run, those of a cell together."""
    found = {arm: ArmValues(arm) for arm in arms}
    last_cell: str | None = None
    for row in rows:
        if row.arm in found:
            found[row.arm].add(row, is_first=row.cell_id != last_cell)
        last_cell = row.cell_id
    return found


def cluster_names(*suites: Suite) -> dict[str, str]:
    """By sample key, ``metadata.cluster`` where there is one: such samples are not independent."""
    return {
        sample.key: str(sample.metadata["cluster"])
        for suite in suites
        for sample in suite.samples
        if sample.metadata.get("cluster") is not None
    }


@dataclass(frozen=True, slots=True)
class Both:
    """Parallel values of A and B. ``clusters`` is None where each value is independent."""

    a: Floats
    b: Floats
    clusters: tuple[tuple[str, str], ...] | None

    def __len__(self) -> int:
        return len(self.a)


@dataclass(frozen=True, slots=True)
class PairedItem:
    """The paired answers of one sample: one, or one for each epoch and choice that both have."""

    sample_key: str
    cluster: str | None
    a_scores: tuple[float, ...]
    b_scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """``keys`` are what both arms answered, a sample's together; ``places`` their rows in A and B.

    ``only_a`` and ``only_b`` count answers without a counterpart; ``changed`` samples that have
    one id in both and another content, which are not the same item. ``clusters`` are by sample key.
    """

    a: ArmValues
    b: ArmValues
    keys: tuple[Key, ...]
    places: tuple[NDArray[np.intp], NDArray[np.intp]]
    only_a: int
    only_b: int
    changed: int
    clusters: Mapping[str, str]

    @property
    def items(self) -> int:
        return len({key[0] for key in self.keys})

    @property
    def is_repeated(self) -> bool:
        """A sample has several answers, which are not independent."""
        return self.items < len(self.keys)

    def column(self, name: str) -> tuple[Floats, Floats]:
        """One of :data:`NUMBERS`, parallel to ``keys``; NaN where it is not known."""
        left, right = (
            np.frombuffer(side.columns[name], dtype=np.float64)[places]
            if len(places)
            else np.empty(0)
            for side, places in zip((self.a, self.b), self.places, strict=True)
        )
        return left, right

    def both(self, *names: str) -> tuple[Both, ...]:
        """Answer by answer, where all of ``names`` are known of both."""
        columns = [self.column(name) for name in names]
        known = np.isfinite(np.array(columns)).all(axis=(0, 1))
        clusters = None
        if self.is_repeated or self.clusters:
            places = np.flatnonzero(known)
            clusters = tuple(self._cluster(self.keys[place][0]) for place in places)
        return tuple(Both(a[known], b[known], clusters) for a, b in columns)

    def item_means(self, name: str) -> Both:
        """Sample by sample, the mean over those of its answers where both are known."""
        items = tuple(self.paired_items(name))
        clusters = None
        if self.clusters:
            clusters = tuple(self._cluster(item.sample_key) for item in items)
        return Both(
            np.array([math.fsum(i.a_scores) / len(i.a_scores) for i in items]),
            np.array([math.fsum(i.b_scores) / len(i.b_scores) for i in items]),
            clusters,
        )

    def paired_items(self, name: str = "score") -> Iterator[PairedItem]:
        """Samples with at least one answer whose ``name`` is known of both."""
        columns = zip(self.keys, *(side.tolist() for side in self.column(name)), strict=True)
        for sample_key, group in groupby(columns, lambda entry: entry[0][0]):
            known = [(a, b) for _, a, b in group if math.isfinite(a) and math.isfinite(b)]
            if known:
                left, right = zip(*known, strict=True)
                yield PairedItem(sample_key, self.clusters.get(sample_key), left, right)

    def _cluster(self, sample_key: str) -> tuple[str, str]:
        """A cluster's name and a sample's key are never taken for each other."""
        name = self.clusters.get(sample_key)
        return ("sample", sample_key) if name is None else ("cluster", name)


def pair(a: ArmValues, b: ArmValues, clusters: Mapping[str, str] | None = None) -> Pairs:
    """In the order in which A finished its samples."""
    order: dict[str, int] = {}
    for sample_key, _, _ in a.rows:
        order.setdefault(sample_key, len(order))
    keys = tuple(
        sorted((key for key in a.rows if key in b.rows), key=lambda key: (order[key[0]], *key[1:]))
    )
    samples = {key[0] for key in keys}
    used = {key: name for key, name in (clusters or {}).items() if key in samples}
    return Pairs(
        a=a,
        b=b,
        keys=keys,
        places=(_places(a, keys), _places(b, keys)),
        only_a=len(a.rows) - len(keys),
        only_b=len(b.rows) - len(keys),
        changed=len(_unmatched_ids(a, b) & _unmatched_ids(b, a)),
        clusters=used,
    )


def _places(side: ArmValues, keys: Sequence[Key]) -> NDArray[np.intp]:
    return np.fromiter((side.rows[key] for key in keys), np.intp, len(keys))


def _unmatched_ids(side: ArmValues, other: ArmValues) -> set[str]:
    return {name for key, name in side.sample_ids.items() if key not in other.sample_ids}
