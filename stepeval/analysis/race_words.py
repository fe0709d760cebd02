"""A race in words, the same on the terminal and in the report."""

from collections.abc import Iterator
from dataclasses import dataclass

from stepeval.analysis.race import Drop, Pick
from stepeval.analysis.race_record import RaceRecord, Round


@dataclass(frozen=True, slots=True)
class Raced:
    margin: float
    race: RaceRecord


def race_sentence(found: Raced) -> str:
    """The pick and the rule that made it."""
    pick = found.race.pick
    if pick is None:
        return "The race is not over."
    margin = f"{100 * found.margin:g} points"
    return (
        f"PICK {pick.arm}: the cheapest arm not shown worse than another by more than {margin}, "
        f"after {pick.items:,} items"
    )


def race_notes(found: Raced) -> Iterator[str]:
    for dropped in (drop for each in found.race.rounds for drop in each.drops):
        yield drop_words(dropped)
    pick = found.race.pick
    if pick is None:
        return
    if pick.tied:
        yield f"still in the race at its end: {', '.join(pick.tied)}"
    if pick.unanswered:
        yield f"too many failed, which may hide what it is worth: {', '.join(pick.unanswered)}"
    if not pick.is_decidable:
        yield _undecidable(pick, found.margin)


def drop_words(drop: Drop) -> str:
    return (
        f"{drop.arm} left after {drop.items:,} items: {drop.why} "
        f"({100 * drop.change:+.1f} points against {drop.against}, "
        f"z {drop.z:.2f} past {drop.bound:.2f})"
    )


def round_words(found: Round) -> str:
    """A line for those who watch a race."""
    scores = ", ".join(
        f"{arm} {'unknown' if score is None else f'{100 * score:.1f}'}"
        for arm, score in found.scores.items()
    )
    return "; ".join([f"{found.items:,} items: {scores}", *map(drop_words, found.drops)])


def _undecidable(pick: Pick, margin: float) -> str:
    said = f"a difference of {100 * margin:g} points cannot be told on {pick.every:,} items"
    if pick.resolution is None or pick.wanted is None:
        return said
    return (
        f"{said}, only one of {100 * pick.resolution:.1f}: the pick rests on luck as much as on "
        f"the arms, and it takes about {pick.wanted:,} items to tell"
    )
