"""Scores for a stored run: those that are missing, or a fresh scoring of every record."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.scoring import BoundRule, bind_rules, score_records
from stepeval.core.record import ScoreRow
from stepeval.store.run import RunStore, Scoring, open_run

_BATCH = 2000  # rows held in memory, and in one transaction


def score_missing(store: RunStore, rules: tuple[BoundRule, ...], *, after: int = 0) -> None:
    """Scores the records that the run's latest scoring has not reached yet.

    ``after``: an attempt; records that ended with it or earlier are known to have their scores.
    """
    scoring = store.scoring()
    scored = store.scored_cells(scoring)
    known = store.reader().beyond(after).records()
    records = (record for record in known if record.cell.id not in scored)
    _add(store, score_records(records, rules), scoring)


def rescore(path: Path, *, suite: Path | None, allow_code: bool) -> None:
    """Scores a stored run without a request; ``suite`` brings other rules than the run's own."""
    with open_run(path) as store:
        source = store.reader().suite() if suite is None else prepare(SuiteOptions(suite))[0]
        rules = bind_rules(source, allow_code=allow_code)
        scoring = store.new_scoring(source.scoring, time.time())
        _add(store, score_records(store.reader().records(), rules), scoring)


def _add(store: RunStore, rows: Iterator[ScoreRow], scoring: Scoring) -> None:
    for batch in _batches(rows):
        store.add_scores(batch, scoring)


def _batches(rows: Iterator[ScoreRow]) -> Iterable[list[ScoreRow]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
