"""A gate that may stop early, as rounds of cells: what was scored so far decides what is asked."""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from math import fsum

from stepeval.analysis.course import Batch, Course
from stepeval.analysis.design import Rules
from stepeval.analysis.item_values import ItemTally
from stepeval.analysis.looks import Stage
from stepeval.analysis.past import past_of
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.stopping import course_notes
from stepeval.api.asides import asides_of
from stepeval.api.rescore import score_missing
from stepeval.api.scoring import BoundRule
from stepeval.core.baseline import Baseline, ItemValues
from stepeval.core.errors import UsageError
from stepeval.core.gate import SCORE, GatePlan, Way
from stepeval.core.task import Cell, Sample, Suite
from stepeval.store.run import RunStore
from stepeval.suite.grid import item_cells

_ASIDES = 3  # see :func:`stepeval.api.asides.with_asides`
_FEWEST = 2  # items: of one there is no spread


class GateRounds:
    """Rounds that follow a :class:`Course`. A resumed run tells it again what it told before."""

    def __init__(
        self,
        suite: Suite,
        store: RunStore,
        rules: tuple[BoundRule, ...],
        plan: GatePlan,
        baseline: Baseline,
    ) -> None:
        """Raises UsageError: hardly any of the suite's samples is the baseline's, or the run's file
        does not have what its gate asks.
        """
        if len(suite.arms) != 1 or len(suite.asides) != _ASIDES or plan.reference is None:
            raise UsageError("the run's file does not have the arms that its gate asks")
        self._suite, self._store, self._rules = suite, store, rules
        items = gated_items(suite, plan, baseline)
        samples = {sample.key: sample for sample in suite.samples}
        self._samples: tuple[Sample, ...] = tuple(samples[item.key] for item in items)
        self._course = course_of(suite, plan, items)
        self._asides = asides_of(suite)
        (self._arm,) = suite.arms
        self._of_grid = item_cells(suite)
        self._finished = store.done_cells()
        self._tally = ItemTally()
        self._read = 0  # the attempt up to which answers were scored and tallied
        self._noted = len(store.reader().looks())
        self._asked_first = 0

    @property
    def total(self) -> int:
        """At most, of the stage that the course is in."""
        design, epochs = self._course.design, self._suite.epochs
        if design.stage is Stage.FIRST:
            return design.looks[-1] * epochs + self._course.rules.canary
        return self._asked_first + 2 * design.looks[-1] * epochs

    @property
    def done(self) -> int:
        return len(self._finished)

    def following(self) -> Iterable[Cell] | None:
        self._finished = self._store.done_cells()
        self._take_in()
        while (batch := self._course.batch) is not None:
            missing = [cell for cell in self._cells(batch) if cell.id not in self._finished]
            if missing:
                return missing
            if batch.stage is Stage.FIRST:
                self._asked_first += len(batch.new) * self._suite.epochs + len(batch.old)
            self._course.tell(*self._scores(batch))
            self._note()
        return None

    def _cells(self, batch: Batch) -> Iterator[Cell]:
        """Item by item; what is asked of one in random order, so that a slow hour meets all."""
        again = frozenset(batch.old)
        for place in batch.new:
            sample = self._samples[place]
            if batch.stage is Stage.FRESH:
                item = list(self._asides.fresh(sample))
            else:
                epochs = range(self._suite.epochs)
                item = [cell for epoch in epochs for cell in self._of_grid(sample, epoch)]
                item += [self._asides.bird(sample)] if place in again else []
            yield from sorted(item, key=lambda cell: _rank(self._suite.seed, cell.id))

    def _take_in(self) -> None:
        """Scores and counts what was answered since the last time."""
        reader = self._store.reader()
        last = reader.last_final()
        score_missing(self._store, self._rules, after=self._read)
        self._tally.add(sample_rows(reader.beyond(self._read)))
        self._read = last

    def _scores(self, batch: Batch) -> tuple[list[float], list[float]]:
        asides = self._asides
        if batch.stage is Stage.FRESH:
            new, old = asides.again, asides.before
        else:
            new, old = self._arm, asides.canary
        return self._means(new.name, batch.new), self._means(old.name, batch.old)

    def _means(self, arm: str, places: Sequence[int]) -> list[float]:
        """NaN for an item that has no score, as where every request for it failed."""
        known = {item.key: item.scores for item in self._tally.items(arm, {})}
        return [_mean(known.get(self._samples[place].key, ())) for place in places]

    def _note(self) -> None:
        """A resumed run comes by looks that are on disk already."""
        for number, note in enumerate(course_notes(self._course)):
            if number >= self._noted:
                self._store.add_look(number, time.time(), note)
                self._noted = number + 1


def gated_items(suite: Suite, plan: GatePlan, baseline: Baseline) -> tuple[ItemValues, ...]:
    """The baseline's, of samples that the suite has, and with a score at all.

    Raises UsageError: there are too few.
    """
    assert plan.reference is not None
    ours = {sample.key for sample in suite.samples}
    known = tuple(
        item
        for item in baseline.arm(plan.reference).items
        if item.key in ours and any(score is not None for score in item.scores)
    )
    if len(known) < _FEWEST:
        raise UsageError(
            f"{len(known)} of the suite's {len(ours):,} samples are scored in baseline "
            f"{baseline.name!r}: the samples were changed, so make it anew"
        )
    return known


def course_of(suite: Suite, plan: GatePlan, items: Sequence[ItemValues]) -> Course:
    rules = Rules(
        margin=plan.margins[SCORE],
        epochs=suite.epochs,
        seed=str(suite.seed),
        anytime=plan.way is Way.ANYTIME,
    )
    most = max(len(item.scores) for item in items)
    scores = [_padded(item.scores, most) for item in items]
    return Course(past_of(scores, _clusters(suite, items)), rules)


def _clusters(suite: Suite, items: Sequence[ItemValues]) -> list[tuple[str, str]] | None:
    """None where every item stands for itself. A cluster's name is never taken for a key."""
    named = {s.key: s.metadata.get("cluster") for s in suite.samples}
    if all(named[item.key] is None for item in items):
        return None
    return [
        ("item", item.key) if named[item.key] is None else ("cluster", str(named[item.key]))
        for item in items
    ]


def _padded(scores: Sequence[float | None], length: int) -> list[float]:
    known = [math.nan if score is None else score for score in scores]
    return known + [math.nan] * (length - len(known))


def _mean(scores: Iterable[float | None]) -> float:
    known = [score for score in scores if score is not None]
    return fsum(known) / len(known) if known else math.nan


def _rank(seed: int, cell_id: str) -> bytes:
    return blake2b(f"{seed}/{cell_id}".encode(), digest_size=8).digest()
