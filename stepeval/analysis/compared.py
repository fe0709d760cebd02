"""All that one `compare` looked at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stepeval.analysis.compare import Comparison
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.flakiness import Flakiness, flakiness
from stepeval.analysis.pairing import cluster_names
from stepeval.analysis.tiers import Ladder

_INTERNAL = frozenset({"prompt"})  # arms of one run may have different prompts: that is their point


@dataclass(frozen=True, slots=True)
class Compared:
    """``sides`` in the order they were named. ``flaky`` are those with several runs an item.

    ``ladders`` hold some of ``comparisons``: adjacent reasoning tiers. ``notes`` are sentences to
    know before the numbers are believed, the gravest first.
    """

    sides: tuple[ComparedArm, ...]
    comparisons: tuple[Comparison, ...]
    ladders: tuple[Ladder, ...]
    flaky: tuple[Flakiness, ...]
    notes: tuple[str, ...]

    @property
    def is_one_run(self) -> bool:
        return len({side.info.id for side in self.sides}) == 1


def flaky_sides(sides: Iterable[ComparedArm]) -> Iterator[Flakiness]:
    """Of each side whose items were asked more than once and judged."""
    for side in sides:
        found = flakiness(side.values, cluster_names(side.suite)) if side.suite.scoring else None
        if found is not None:
            yield found


def notes(comparisons: Sequence[Comparison], missing: Sequence[str] = ()) -> tuple[str, ...]:
    """``missing``: sentences that a run is incomplete."""
    found = [
        (_GRAVITY.index(what), sentence)
        for comparison in comparisons
        for what, sentence in _of(comparison)
    ]
    found += [(_GRAVITY.index("missing"), sentence) for sentence in missing]
    return tuple(dict.fromkeys(sentence for _, sentence in sorted(found, key=lambda f: f[0])))


_GRAVITY = (
    *("mode", "missing", "server", "scorers", "prompt", "unmatched", "changed", "prices"),
    *("latency", "load", "version"),
)


def _of(comparison: Comparison) -> Iterator[tuple[str, str]]:
    a, b, pairs = comparison.a, comparison.b, comparison.pairs
    is_one_run = a.info.id == b.info.id
    for unlike in comparison.unlike:
        if not (is_one_run and unlike.what in _INTERNAL):
            yield unlike.what, unlike.sentence
    for side, alone in ((a, pairs.only_a), (b, pairs.only_b)):
        if alone:
            other = b if side is a else a
            answers = f"{alone:,} answer" + ("" if alone == 1 else "s")
            yield "unmatched", f"{answers} of {side.name} have no counterpart in {other.name}"
    if pairs.changed:
        samples = f"{pairs.changed:,} sample" + ("" if pairs.changed == 1 else "s")
        yield (
            "changed",
            f"{samples} of {a.name} and {b.name} share an id but not their content: not compared",
        )
    for side in (a, b):
        if side.unfit is not None:
            yield "latency", f"{side.name}: latency decides nothing. {side.unfit}"
