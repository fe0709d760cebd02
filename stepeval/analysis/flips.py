"""Items that one arm had right and the other wrong, both ways."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.pairing import ArmValues, Key, Pairs
from stepeval.core.record import Outcome

Place: TypeAlias = tuple[str, int]
"""A cell's id and the choice: one answer of one run."""


@dataclass(frozen=True, slots=True)
class Flip:
    """One answer pair. The texts are None where the answer has none, or they were not asked for."""

    sample_id: str
    key: Key
    a: Place
    b: Place
    a_outcome: Outcome
    b_outcome: Outcome
    a_text: str | None = None
    b_text: str | None = None


@dataclass(frozen=True, slots=True)
class Flips:
    """``gained``: B had right what A had wrong; ``lost`` the other way, each by sample id.

    ``both_right`` and ``both_wrong`` count the pairs that did not flip. All four together are the
    pairs that count for accuracy on both sides.
    """

    gained: tuple[Flip, ...]
    lost: tuple[Flip, ...]
    both_right: int
    both_wrong: int

    @property
    def n(self) -> int:
        return len(self.gained) + len(self.lost) + self.both_right + self.both_wrong


def flips(pairs: Pairs) -> Flips:
    gained, lost = [], []
    both_right = both_wrong = 0
    rows = zip(pairs.keys, *(side.tolist() for side in pairs.column("correct")), strict=True)
    for key, a, b in rows:
        if a == b == 1.0:
            both_right += 1
        elif a == b == 0.0:
            both_wrong += 1
        elif (a, b) == (0.0, 1.0):
            gained.append(_flip(pairs, key))
        elif (a, b) == (1.0, 0.0):
            lost.append(_flip(pairs, key))
    return Flips(_in_order(gained), _in_order(lost), both_right, both_wrong)


def texts_of(rows: Iterable[SampleRow], wanted: Collection[Place]) -> dict[Place, str | None]:
    """Of the wanted answers only, in one pass over the rows of a run."""
    known = frozenset(wanted)
    return {
        (row.cell_id, row.choice): row.text for row in rows if (row.cell_id, row.choice) in known
    }


def with_texts(
    found: Flips, a_texts: Mapping[Place, str | None], b_texts: Mapping[Place, str | None]
) -> Flips:
    def told(flip: Flip) -> Flip:
        return replace(flip, a_text=a_texts.get(flip.a), b_text=b_texts.get(flip.b))

    return replace(found, gained=tuple(map(told, found.gained)), lost=tuple(map(told, found.lost)))


def _flip(pairs: Pairs, key: Key) -> Flip:
    (a, a_outcome), (b, b_outcome) = _end(pairs.a, key), _end(pairs.b, key)
    return Flip(pairs.a.sample_ids[key[0]], key, a, b, a_outcome, b_outcome)


def _end(side: ArmValues, key: Key) -> tuple[Place, Outcome]:
    row = side.rows[key]
    return (side.cells[row], key[2]), side.outcomes[row]


def _in_order(found: list[Flip]) -> tuple[Flip, ...]:
    return tuple(sorted(found, key=lambda flip: (flip.sample_id, flip.key)))
