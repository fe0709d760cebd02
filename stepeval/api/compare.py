"""Stored runs compared: read from the store, handed to the analysis."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from stepeval.analysis import compare_words as words
from stepeval.analysis.compare import TARGET, Comparison, Row, compare
from stepeval.analysis.compared import Compared, flaky_sides, notes
from stepeval.analysis.compared_arm import ComparedArm, compared_arms
from stepeval.analysis.comparison_json import compared_json
from stepeval.analysis.flakiness import Flakiness
from stepeval.analysis.flips import Flip, Place, texts_of, with_texts
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.text_difference import text_difference
from stepeval.analysis.tiers import Ladder, ladder
from stepeval.api.meetings import End, Meeting, Named, find_named, meetings, rungs
from stepeval.core.errors import UsageError
from stepeval.stats.estimate import Estimate

__all__ = [
    "Compared",
    "Comparison",
    "Estimate",
    "Flakiness",
    "Flip",
    "Ladder",
    "Row",
    "compare_runs",
    "compared_json",
    "text_difference",
    "words",
    "write_comparison",
]

MOST_TEXTS = 200  # flips of each kind whose answers are read: as many as a page lists


def compare_runs(
    names: Sequence[str], folder: Path, *, target: float = TARGET, texts: bool = True
) -> Compared:
    """The arms of one run, or those of the first run with those of each other one.

    ``names`` are ``RUN`` or ``RUN:ARM``; docs/compare.md says which arms meet. ``target`` is the
    difference of quality, 0 to 1, that verdicts tell the needed items for. ``texts``: the answers
    of flipped items are read, too.

    Raises:
        RunNotFound: No run has a name.
        UnknownName: A run has no such arm.
        UsageError: There is nothing to compare, or no item in common.
    """
    named = find_named(names, folder)
    met = meetings(named)
    sides = _sides(named, met)
    found = compare([(sides[_place(a)], sides[_place(b)]) for a, b in met], target=target)
    _refuse_strangers(found)
    if texts:
        found = _told(found, named)
    by_arms = {(c.a.arm.name, c.b.arm.name): c for c in found}
    steps = [[by_arms[a.name, b.name] for a, b in pairwise(arms)] for arms in rungs(named)]
    return Compared(
        sides=tuple(sides.values()),
        comparisons=found,
        ladders=tuple(map(ladder, steps)),
        flaky=tuple(flaky_sides(sides.values())),
        notes=notes(found, tuple(_missing(named))),
    )


def write_comparison(compared: Compared, out: Path) -> Path:
    """Writes the comparison's HTML page; returns where it is."""
    from stepeval.report.comparison import comparison_page  # noqa: PLC0415  -- matplotlib
    from stepeval.report.page import render_comparison, write_page  # noqa: PLC0415

    write_page(render_comparison(comparison_page(compared)), out)
    return out


def _place(end: End) -> tuple[str, str]:
    named, arm = end
    return named.letter, arm


def _sides(named: Sequence[Named], met: Sequence[Meeting]) -> dict[tuple[str, str], ComparedArm]:
    """Each run is read once, whatever number of its arms take part."""
    wanted: dict[tuple[str, str], str] = {}
    for named_run, arm in (end for pair in met for end in pair):
        wanted.setdefault((named_run.letter, arm), named_run.id)
    read: dict[str, dict[str, ComparedArm]] = {}
    for one in named:
        if one.id not in read:
            read[one.id] = compared_arms(
                one.reader, {arm for (_, arm), run_id in wanted.items() if run_id == one.id}
            )
    is_one_run = len(read) == 1
    letters = [letter for letter, _ in wanted]
    sides = {}
    for (letter, arm), run_id in sorted(wanted.items(), key=lambda entry: entry[0][0]):
        run, name = (arm, arm) if is_one_run else (letter, f"{letter}:{arm}")
        if letters.count(letter) == 1 and not is_one_run:
            name = letter
        sides[letter, arm] = replace(read[run_id][arm], name=name, run=run)
    return sides


def _refuse_strangers(found: Sequence[Comparison]) -> None:
    if all(not comparison.pairs.keys for comparison in found):
        a, b = found[0].a, found[0].b
        raise UsageError(
            f"{a.name} ({len(a.values.rows):,} answers) and {b.name} ({len(b.values.rows):,}) have "
            "no item in common: an item is a sample's id, input, target and choices"
        )


def _told(found: Sequence[Comparison], named: Sequence[Named]) -> tuple[Comparison, ...]:
    """Flips with their texts, each run read once more for them."""
    wanted: dict[str, set[Place]] = {}
    for comparison in found:
        for flip in _shown(comparison):
            wanted.setdefault(comparison.a.info.id, set()).add(flip.a)
            wanted.setdefault(comparison.b.info.id, set()).add(flip.b)
    readers = {one.id: one.reader for one in named}
    texts: Mapping[str, Mapping[Place, str | None]] = {
        run_id: texts_of(sample_rows(readers[run_id]), places) for run_id, places in wanted.items()
    }
    return tuple(
        replace(c, flips=with_texts(c.flips, texts[c.a.info.id], texts[c.b.info.id]))
        if c.flips.gained or c.flips.lost
        else c
        for c in found
    )


def _shown(comparison: Comparison) -> Iterator[Flip]:
    yield from comparison.flips.gained[:MOST_TEXTS]
    yield from comparison.flips.lost[:MOST_TEXTS]


def _missing(named: Sequence[Named]) -> Iterator[str]:
    for one in {one.id: one for one in named}.values():
        status = one.reader.status()
        if status.finals < status.cells:
            left = status.cells - status.finals
            yield f"{one.id} is incomplete: {left:,} of {status.cells:,} requests are missing"
