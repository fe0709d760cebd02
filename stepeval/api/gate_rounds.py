"""A gate that may stop early, as rounds of cells: what was scored so far decides what is asked."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b

from stepeval.analysis.course import Batch, Course
from stepeval.analysis.design import Rules
from stepeval.analysis.looks import Stage
from stepeval.analysis.past import past_of
from stepeval.analysis.stopping import course_notes
from stepeval.api.asides import asides_of
from stepeval.api.scoring import BoundRule
from stepeval.api.so_far import SoFar, cluster_of_each, mean
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
        *,
        say: Callable[[str], None],
    ) -> None:
        """Raises UsageError: hardly any of the suite's samples is the baseline's, or the run's file
        does not have what its gate asks.
        """
        if len(suite.arms) != 1 or len(suite.asides) != _ASIDES or plan.reference is None:
            raise UsageError("the run's file does not have the arms that its gate asks")
        self._suite, self._so_far, self._say = suite, SoFar(store, rules), say
        items = gated_items(suite, plan, baseline)
        samples = {sample.key: sample for sample in suite.samples}
        self._samples: tuple[Sample, ...] = tuple(samples[item.key] for item in items)
        self._course = course_of(suite, plan, items)
        self._asides = asides_of(suite)
        (self._arm,) = suite.arms
        self._of_grid = item_cells(suite)
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
        return len(self._so_far.finished)

    def following(self) -> Iterable[Cell] | None:
        self._so_far.take_in()
        finished = self._so_far.finished
        while (batch := self._course.batch) is not None:
            missing = [cell for cell in self._cells(batch) if cell.id not in finished]
            if missing:
                return missing
            if batch.stage is Stage.FIRST:
                self._asked_first += len(batch.new) * self._suite.epochs + len(batch.old)
            self._course.tell(*self._scores(batch))
            self._so_far.keep(course_notes(self._course), self._say)
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

    def _scores(self, batch: Batch) -> tuple[list[float], list[float]]:
        asides = self._asides
        if batch.stage is Stage.FRESH:
            new, old = asides.again, asides.before
        else:
            new, old = self._arm, asides.canary
        return self._means(new.name, batch.new), self._means(old.name, batch.old)

    def _means(self, arm: str, places: Sequence[int]) -> list[float]:
        """NaN for an item that has no score, as where every request for it failed."""
        known = self._so_far.items(arm)
        keys = (self._samples[place].key for place in places)
        return [mean(known[key].scores if key in known else ()) for key in keys]


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
    return Course(past_of(scores, cluster_of_each(suite, [item.key for item in items])), rules)


def _padded(scores: Sequence[float | None], length: int) -> list[float]:
    known = [math.nan if score is None else score for score in scores]
    return known + [math.nan] * (length - len(known))


def _rank(seed: int, cell_id: str) -> bytes:
    return blake2b(f"{seed}/{cell_id}".encode(), digest_size=8).digest()
