"""What a run has by now, for a procedure that decides by it what is asked next."""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from math import fsum

from stepeval.analysis.item_values import ItemTally
from stepeval.analysis.note_words import note_words
from stepeval.analysis.rows import sample_rows
from stepeval.api.rescore import score_missing
from stepeval.api.scoring import BoundRule
from stepeval.core.baseline import ItemValues
from stepeval.core.chat import JsonObject
from stepeval.core.task import Suite
from stepeval.store.run import RunStore


class SoFar:
    """``finished`` are the cells with a record, as of the last :meth:`take_in`."""

    def __init__(self, store: RunStore, rules: tuple[BoundRule, ...]) -> None:
        self._store, self._rules = store, rules
        self.finished = store.done_cells()
        self._tally = ItemTally()
        self._read = 0  # the attempt up to which answers were scored and tallied
        self._noted = len(store.reader().looks())

    def take_in(self) -> None:
        """Scores and counts what was answered since the last time."""
        self.finished = self._store.done_cells()
        reader = self._store.reader()
        last = reader.last_final()
        score_missing(self._store, self._rules, after=self._read)
        self._tally.add(sample_rows(reader.beyond(self._read)))
        self._read = last

    def items(self, arm: str) -> Mapping[str, ItemValues]:
        """By the samples' keys."""
        return {item.key: item for item in self._tally.items(arm, {})}

    def keep(self, notes: Iterable[JsonObject], say: Callable[[str], None]) -> None:
        """All notes of the procedure by now; a resumed run comes by those that are on disk.

        ``say`` gets a line for each that is new.
        """
        for number, note in enumerate(notes):
            if number >= self._noted:
                self._store.add_look(number, time.time(), note)
                self._noted = number + 1
                line = note_words(note)
                if line is not None:
                    say(line)


def mean(values: Iterable[float | None]) -> float:
    """Of those that are known; NaN where none is, as where every request failed."""
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else math.nan


def cluster_of_each(suite: Suite, keys: Iterable[str]) -> list[tuple[str, str]] | None:
    """None where every sample stands for itself. A cluster's name is never taken for a key."""
    named = {sample.key: sample.metadata.get("cluster") for sample in suite.samples}
    found = [(key, named[key]) for key in keys]
    if all(name is None for _, name in found):
        return None
    return [("item", key) if name is None else ("cluster", str(name)) for key, name in found]
