"""A suite's arms over its stored runs: what each reached, what was changed, what that shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, TypeAlias

from stepeval.analysis import compare_words as words
from stepeval.analysis.compare import Comparison, compare
from stepeval.analysis.compared_arm import ComparedArm, compared_arms
from stepeval.analysis.leaderboard import ArmSummary, leaderboard
from stepeval.analysis.rows import sample_rows
from stepeval.core.ports import RecordReader
from stepeval.core.record import Mode, RunInfo

_LOOKED_AT = ("cost", "e2e_ms")  # beside the quality
_QUIET = {"stopping", "version", "load"}  # of what may differ: these are no change of the suite

_Seen: TypeAlias = tuple[ArmSummary, ComparedArm]


@dataclass(frozen=True, slots=True)
class Point:
    """An arm in one run. ``missing``: how many of its answers are not there.

    ``changed`` is what the arm and its suite are not any more since the point before, ``shown``
    what differs beyond chance on the items that both have; both empty at the first point.
    """

    info: RunInfo
    arm: ArmSummary
    missing: int
    changed: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One arm, oldest run first. Answers of different kinds make different lines."""

    arm: str
    mode: Mode
    asked_as: Mode
    points: tuple[Point, ...]

    @property
    def kind(self) -> str:
        same = self.mode is self.asked_as
        return self.mode.value if same else f"{self.mode} of {self.asked_as}"


@dataclass(frozen=True, slots=True)
class History:
    """``left_out`` counts older runs that were not looked at."""

    suite: str
    lines: tuple[Line, ...]
    left_out: int = 0


def history(suite: str, readers: Iterable[RecordReader]) -> History:
    """``readers`` from the oldest to the newest. Each run is compared with the one before.

    p values are adjusted over all these comparisons, see :func:`stepeval.analysis.compare.compare`.
    """
    seen: dict[tuple[str, Mode, Mode], list[_Seen]] = {}
    for reader in readers:
        info = reader.info()
        for summary, side in _arms(reader):
            seen.setdefault((summary.arm, info.mode, info.asked_as), []).append((summary, side))
    steps = [(key, a, b) for key, line in seen.items() for (_, a), (_, b) in pairwise(line)]
    found = compare([(_called(a, "before"), _called(b, "now")) for _, a, b in steps], tails=False)
    by_line: dict[tuple[str, Mode, Mode], list[Comparison]] = {key: [] for key in seen}
    for (key, _, _), comparison in zip(steps, found, strict=True):
        by_line[key].append(comparison)
    lines = (Line(*key, tuple(_points(line, by_line[key]))) for key, line in seen.items())
    return History(suite, tuple(lines))


def _arms(reader: RecordReader) -> Iterator[_Seen]:
    names = [arm.name for arm in reader.suite().arms]
    sides = compared_arms(reader, names)
    summaries = leaderboard(sample_rows(reader), names)
    yield from ((summary, sides[summary.arm]) for summary in summaries if summary.arm in sides)


def _called(side: ComparedArm, run: str) -> ComparedArm:
    return replace(side, name=run, run=run)


def _points(line: Sequence[_Seen], steps: Sequence[Comparison]) -> Iterator[Point]:
    before: Comparison | None
    for (summary, side), before in zip(line, (None, *steps), strict=True):
        whole = len(side.suite.samples) * side.suite.epochs
        yield Point(
            info=side.info,
            arm=summary,
            missing=max(0, whole - summary.cells),
            changed=() if before is None else tuple(_changed(before)),
            shown=() if before is None else tuple(_shown(before)),
        )


def _changed(step: Comparison) -> Iterator[str]:
    yield from step.settings
    yield from (found.what for found in step.unlike if found.what not in _QUIET)
    pairs = step.pairs
    if pairs.only_a or pairs.only_b:
        yield f"items (-{pairs.only_a:,} +{pairs.only_b:,} answers)"
    if step.a.suite.epochs != step.b.suite.epochs:
        yield f"epochs: {step.a.suite.epochs} -> {step.b.suite.epochs}"


def _shown(step: Comparison) -> Iterator[str]:
    rows = (step.quality, *(step.row(key) for key in _LOOKED_AT))
    for row in rows:
        if row is not None and row.is_shown and row.withheld is None:
            yield f"{words.LABELS[row.metric.key]} {words.difference(row)}: {words.verdict(row)}"


def history_json(found: History) -> dict[str, Any]:
    """For programs; names as in ``stepeval show --json``."""
    return {
        "suite": found.suite,
        "left_out": found.left_out,
        "arms": [
            {
                "arm": line.arm,
                "mode": line.mode.value,
                "asked_as": line.asked_as.value,
                "runs": [_point_json(point) for point in line.points],
            }
            for line in found.lines
        ],
    }


def _point_json(point: Point) -> dict[str, Any]:
    info, arm = point.info, point.arm
    return {
        "run": info.id,
        "created_at": info.created_at,
        "suite_hash": info.suite_hash,
        "git_commit": info.git_commit,
        "git_dirty": info.git_dirty,
        "n": arm.n,
        "missing": point.missing,
        "accuracy": asdict(arm.accuracy),
        "score": asdict(arm.score),
        "e2e_ms_p50": asdict(arm.e2e_ms.p50),
        "cost_total": arm.cost_total,
        "cost_original": arm.cost_original,
        "cost_per_correct": asdict(arm.cost_per_correct),
        "currency": arm.currency,
        "changed": list(point.changed),
        "shown": list(point.shown),
    }
