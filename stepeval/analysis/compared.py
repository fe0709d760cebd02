"""All that one `compare` looked at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

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
            yield replace(found, arm=side.name)


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
    *("stopping", "mode", "missing", "server", "scorers", "prompt", "unmatched", "prices"),
    *("latency", "load", "version"),
)


def _of(comparison: Comparison) -> Iterator[tuple[str, str]]:
    a, b, pairs = comparison.a, comparison.b, comparison.pairs
    is_one_run = a.info.id == b.info.id
    for unlike in comparison.unlike:
        if not (is_one_run and unlike.what in _INTERNAL):
            yield unlike.what, unlike.sentence
    if pairs.only_a or pairs.only_b or pairs.changed:
        yield "unmatched", _unmatched(comparison)
    for side in (a, b):
        if side.unfit is not None:
            whose = "" if is_one_run else f" of {side.run}"
            yield "latency", f"latency{whose} decides nothing. {side.unfit}"


def _unmatched(comparison: Comparison) -> str:
    pairs = comparison.pairs
    said = (
        f"{comparison.a.name} and {comparison.b.name} have {pairs.only_a:,} and {pairs.only_b:,} "
        "answers without a counterpart"
    )
    if not pairs.changed:
        return said
    samples = "1 sample has" if pairs.changed == 1 else f"{pairs.changed:,} samples have"
    return f"{said}: {samples} the same id in both and another content"
