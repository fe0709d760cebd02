"""Where a name goes beside its point so that it covers least. Units are the chart's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Align: TypeAlias = Literal["left", "right", "center"]

_LETTER, _LINE = 5.2, 11.0  # a letter's mean width and a line's height at the charts' font size
_GAP, _RISE = 8.0, 11.0


@dataclass(frozen=True, slots=True)
class Box:
    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: "Box") -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)


@dataclass(frozen=True, slots=True)
class Spot:
    """An offset from the point, and which end of the text stands there."""

    x: float
    y: float
    align: Align


# In order of preference: right of the point and a little above the interval's bar comes first.
_SPOTS = (
    Spot(_GAP, _RISE, "left"),
    Spot(_GAP, -_RISE, "left"),
    Spot(-_GAP, _RISE, "right"),
    Spot(-_GAP, -_RISE, "right"),
    Spot(_GAP, 0, "left"),
    Spot(-_GAP, 0, "right"),
    Spot(_GAP, 2 * _RISE, "left"),
    Spot(_GAP, -2 * _RISE, "left"),
    Spot(-_GAP, 2 * _RISE, "right"),
    Spot(-_GAP, -2 * _RISE, "right"),
)


def place(
    points: Sequence[tuple[float, float]],
    letters: Sequence[int],
    obstacles: Sequence[Box],
    bounds: Box,
) -> tuple[Spot, ...]:
    """A spot for each point's name of so many letters; names placed earlier are obstacles too."""
    taken = list(obstacles)
    chosen = []
    for point, length in zip(points, letters, strict=True):
        boxes = [_box(point, spot, length) for spot in _SPOTS]
        prices = [_price(box, taken, bounds) for box in boxes]
        best = prices.index(min(prices))
        taken.append(boxes[best])
        chosen.append(_SPOTS[best])
    return tuple(chosen)


def _box(point: tuple[float, float], spot: Spot, length: int) -> Box:
    x, y = point[0] + spot.x, point[1] + spot.y
    left = x if spot.align == "left" else x - length * _LETTER
    return Box(left, y - _LINE / 2, left + length * _LETTER, y + _LINE / 2)


def _price(box: Box, taken: Sequence[Box], bounds: Box) -> float:
    outside = box.area - box.overlap(bounds)
    return 3 * outside + sum(box.overlap(other) for other in taken)
