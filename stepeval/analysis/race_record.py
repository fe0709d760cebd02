"""A race as it is kept: each round, who left it and why, and the pick."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from stepeval.analysis.race import Drop, Pick, Why
from stepeval.core.chat import JsonObject
from stepeval.core.errors import StoreError
from stepeval.core.ports import RecordReader


@dataclass(frozen=True, slots=True)
class Round:
    """``scores`` are the means so far of the arms that ran it, None without one; ``drops`` are the
    arms that left after it.
    """

    items: int
    scores: Mapping[str, float | None]
    drops: tuple[Drop, ...]


@dataclass(frozen=True, slots=True)
class RaceRecord:
    """``pick`` None: it is not over."""

    rounds: tuple[Round, ...]
    pick: Pick | None


def round_note(found: Round) -> JsonObject:
    return {"round": asdict(found)}


def pick_note(pick: Pick) -> JsonObject:
    return {"pick": asdict(pick)}


def read_race(reader: RecordReader) -> RaceRecord:
    """Raises StoreError: the run's looks are none of a race."""
    rounds, pick = [], None
    try:
        for note in reader.looks():
            if "round" in note:
                rounds.append(read_round(note))
            else:
                data = note["pick"]
                drops, tied = tuple(map(_drop, data["drops"])), tuple(data["tied"])
                unanswered = tuple(data.get("unanswered", ()))
                known = {"drops": drops, "tied": tied, "unanswered": unanswered}
                pick = Pick(**{**data, **known})
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{reader.info().id}: its rounds cannot be read: {error!r}") from error
    return RaceRecord(tuple(rounds), pick)


def read_round(note: JsonObject) -> Round:
    data = note["round"]
    return Round(data["items"], data["scores"], tuple(map(_drop, data["drops"])))


def _drop(data: Mapping[str, Any]) -> Drop:
    return Drop(**{**data, "why": Why(data["why"])})
