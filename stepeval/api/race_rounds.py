"""A race of a grid's arms, as rounds of cells: arms that cannot be the pick are asked no more."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum
from typing import Any

from stepeval.analysis.item_values import ItemTally
from stepeval.analysis.race import Contender, Heat, Race, RaceRules
from stepeval.analysis.race_record import Round, pick_note, round_note
from stepeval.analysis.rows import sample_rows
from stepeval.api.rescore import score_missing
from stepeval.api.scoring import BoundRule
from stepeval.core.baseline import ItemValues
from stepeval.core.gate import GatePlan
from stepeval.core.identity import canonical
from stepeval.core.task import Arm, Cell, Suite
from stepeval.store.run import RunStore
from stepeval.suite.grid import item_cells

# What changes an answer and hardly its price: arms that differ in nothing else are of one tier.
_SAMPLING = frozenset({"temperature", "top_p", "seed", "frequency_penalty", "presence_penalty"})


class RaceRounds:
    """A resumed run tells the race again what it told before."""

    def __init__(
        self, suite: Suite, store: RunStore, rules: tuple[BoundRule, ...], plan: GatePlan
    ) -> None:
        self._suite, self._store, self._rules = suite, store, rules
        self._cells = item_cells(suite)
        self._race = Race(
            contenders(suite.arms),
            len(suite.samples),
            RaceRules(plan.margins["score"], seed=str(suite.seed)),
            _clusters(suite),
        )
        self._finished = store.done_cells()
        self._tally = ItemTally()
        self._read = 0  # the attempt up to which answers were scored and tallied
        self._asked: list[int] = []
        self._notes = 0
        self._noted = len(store.reader().looks())
        self._spent = 0

    @property
    def total(self) -> int:
        """If no further arm left it."""
        left = len(self._suite.samples) - len(self._asked)
        return self._spent + left * len(self._race.live) * self._suite.epochs

    @property
    def done(self) -> int:
        return len(self._finished)

    def following(self) -> Iterable[Cell] | None:
        self._finished = self._store.done_cells()
        self._take_in()
        while (heat := self._race.heat) is not None:
            missing = [cell for cell in self._heat(heat) if cell.id not in self._finished]
            if missing:
                return missing
            self._tell(heat)
        return None

    def _heat(self, heat: Heat) -> Iterator[Cell]:
        live = frozenset(heat.live)
        for place in heat.places:
            for epoch in range(self._suite.epochs):
                item = self._cells(self._suite.samples[place], epoch)
                yield from (cell for cell in item if cell.arm.name in live)

    def _take_in(self) -> None:
        """Scores and counts what was answered since the last time."""
        reader = self._store.reader()
        last = reader.last_final()
        score_missing(self._store, self._rules, after=self._read)
        self._tally.add(sample_rows(reader.beyond(self._read)))
        self._read = last

    def _tell(self, heat: Heat) -> None:
        before = len(self._race.drops)
        self._asked += heat.places
        self._spent += len(heat.places) * len(heat.live) * self._suite.epochs
        known = {arm: {i.key: i for i in self._tally.items(arm, {})} for arm in heat.live}
        scores = {arm: self._values(items, heat.places, "scores") for arm, items in known.items()}
        costs = {arm: self._values(items, heat.places, "costs") for arm, items in known.items()}
        so_far = {
            arm: _known_mean(self._values(items, self._asked, "scores"))
            for arm, items in known.items()
        }
        self._race.tell(scores, costs)
        self._note(round_note(Round(len(self._asked), so_far, tuple(self._race.drops[before:]))))
        if self._race.pick is not None:
            self._note(pick_note(self._race.pick))

    def _values(
        self, items: Mapping[str, ItemValues], places: Sequence[int], name: str
    ) -> list[float]:
        """By item the mean over epochs; NaN where there is none."""
        keys = (self._suite.samples[place].key for place in places)
        return [_mean(getattr(items[key], name)) if key in items else math.nan for key in keys]

    def _note(self, note: Mapping[str, Any]) -> None:
        """A resumed run comes by rounds that are on disk already."""
        if self._notes >= self._noted:
            self._store.add_look(self._notes, time.time(), note)
        self._notes += 1


def contenders(arms: Sequence[Arm]) -> tuple[Contender, ...]:
    """A tier is called as its only arm, or after its first."""
    members: dict[str, list[Arm]] = {}
    for arm in arms:
        members.setdefault(_tier(arm), []).append(arm)
    names = {
        tier: own[0].name if len(own) == 1 else f"{own[0].name} and {len(own) - 1} like it"
        for tier, own in members.items()
    }
    return tuple(Contender(arm.name, names[_tier(arm)]) for arm in arms)


def _tier(arm: Arm) -> str:
    params = {name: value for name, value in arm.params.items() if name not in _SAMPLING}
    return canonical([arm.provider, arm.model, arm.prompt, params])


def _clusters(suite: Suite) -> list[tuple[str, str]] | None:
    """None where every item stands for itself. A cluster's name is never taken for a key."""
    named = [(s.key, s.metadata.get("cluster")) for s in suite.samples]
    if all(name is None for _, name in named):
        return None
    return [("item", key) if name is None else ("cluster", str(name)) for key, name in named]


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else math.nan


def _known_mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return fsum(known) / len(known) if known else None
