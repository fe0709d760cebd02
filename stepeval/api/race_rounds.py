"""A race of a grid's arms, as rounds of cells: arms that cannot be the pick are asked no more."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import fsum

from stepeval.analysis.race import Contender, Heat, Race, RaceRules
from stepeval.analysis.race_record import Round, pick_note, round_note
from stepeval.api.scoring import BoundRule
from stepeval.api.so_far import SoFar, cluster_of_each, mean
from stepeval.core.baseline import ItemValues
from stepeval.core.chat import JsonObject
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
        self,
        suite: Suite,
        store: RunStore,
        rules: tuple[BoundRule, ...],
        plan: GatePlan,
        say: Callable[[str], None],
    ) -> None:
        self._suite, self._so_far, self._say = suite, SoFar(store, rules), say
        self._cells = item_cells(suite)
        self._race = Race(
            contenders(suite.arms),
            len(suite.samples),
            RaceRules(plan.margins["score"], seed=str(suite.seed)),
            cluster_of_each(suite, [sample.key for sample in suite.samples]),
        )
        self._asked: list[int] = []
        self._notes: list[JsonObject] = []
        self._spent = 0

    @property
    def total(self) -> int:
        """If no further arm left it."""
        left = len(self._suite.samples) - len(self._asked)
        return self._spent + left * len(self._race.live) * self._suite.epochs

    @property
    def done(self) -> int:
        return len(self._so_far.finished)

    def following(self) -> Iterable[Cell] | None:
        self._so_far.take_in()
        finished = self._so_far.finished
        while (heat := self._race.heat) is not None:
            missing = [cell for cell in self._heat(heat) if cell.id not in finished]
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

    def _tell(self, heat: Heat) -> None:
        before = len(self._race.drops)
        self._asked += heat.places
        self._spent += len(heat.places) * len(heat.live) * self._suite.epochs
        known = {arm: self._so_far.items(arm) for arm in heat.live}
        scores = {arm: self._values(items, heat.places, "scores") for arm, items in known.items()}
        costs = {arm: self._values(items, heat.places, "costs") for arm, items in known.items()}
        so_far = {
            arm: _known_mean(self._values(items, self._asked, "scores"))
            for arm, items in known.items()
        }
        self._race.tell(scores, costs)
        drops = tuple(self._race.drops[before:])
        self._notes.append(round_note(Round(len(self._asked), so_far, drops)))
        if self._race.pick is not None:
            self._notes.append(pick_note(self._race.pick))
        self._so_far.keep(self._notes, self._say)

    def _values(
        self, items: Mapping[str, ItemValues], places: Sequence[int], name: str
    ) -> list[float]:
        """By item the mean over epochs; NaN where there is none."""
        keys = (self._suite.samples[place].key for place in places)
        return [mean(getattr(items[key], name)) if key in items else math.nan for key in keys]


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


def _known_mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return fsum(known) / len(known) if known else None
