"""A comparison becomes everything its page shows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stepeval.analysis import compare_words as words
from stepeval.analysis.compare import Comparison
from stepeval.analysis.compared import Compared
from stepeval.analysis.flips import Flip
from stepeval.analysis.text_difference import is_cut, text_difference
from stepeval.core.record import Mode
from stepeval.report import wording
from stepeval.report.comparison_view import ComparisonPage, FlipGroup, FlipView, StretchView
from stepeval.report.differences import charts, part
from stepeval.report.flakiness_section import flakiness_view
from stepeval.report.provenance import mode_sentence
from stepeval.report.text import shorten
from stepeval.report.tiers_section import tiers_view
from stepeval.report.view import Column, Fact, Table, TableCell, TiersView

_MOST_FLIPS = 200  # of each kind and pair of arms
_MOST_STRETCHES = 600_000  # characters of all differences on a page
_MOST_COMPARED = 60


def comparison_page(compared: Compared) -> ComparisonPage:
    comparisons = compared.comparisons[:_MOST_COMPARED]
    modes = [mode for mode in Mode if any(side.info.mode is mode for side in compared.sides)]
    called = "" if modes == [Mode.LIVE] else f"{' + '.join(modes)}: "
    suites = dict.fromkeys(side.suite.name for side in compared.sides)
    return ComparisonPage(
        title=f"{called}{' · '.join(dict.fromkeys((*suites, 'comparison')))} · stepeval",
        mode=" + ".join(modes),
        mode_sentence=_mode_sentence(compared),
        suite=shorten(", ".join(suites), 200),
        sentence=words.advice(_headline(compared)),
        caveats=tuple(f"{note}." if not note.endswith(".") else note for note in compared.notes),
        facts=tuple(_facts(comparisons)),
        tiers=_tiers(compared),
        charts=tuple(charts(comparisons)),
        differences_note=_note(compared, len(comparisons)),
        parts=tuple(map(part, comparisons)),
        flips=tuple(_flip_groups(comparisons)),
        flips_note="Items that one arm has right and the other wrong, with what only one said.",
        flakiness=flakiness_view(compared.flaky),
        sides=_sides(compared),
    )


def _headline(compared: Compared) -> Sequence[Comparison]:
    """Of the tiers, where all of them stand on one ladder; else of the first three pairs."""
    if len(compared.ladders) == 1:
        return [step.comparison for step in compared.ladders[0].steps]
    return compared.comparisons[:3]


def _tiers(compared: Compared) -> TiersView | None:
    """Without its advice, where that is the headline."""
    view = tiers_view(compared.ladders)
    return replace(view, advice=()) if view and len(compared.ladders) == 1 else view


def _mode_sentence(compared: Compared) -> str:
    infos = {side.info.id: side.info for side in compared.sides}.values()
    return " ".join(dict.fromkeys(mode_sentence(info) for info in infos))


def _facts(comparisons: Sequence[Comparison]) -> Iterator[Fact]:
    first, *others = comparisons
    flips = first.flips
    pair = "" if not others else f"{first.b.name} over {first.a.name}"
    yield Fact("Items in both", wording.count(first.pairs.items), pair)
    alone = first.pairs.only_a + first.pairs.only_b
    yield Fact("Unpaired answers", wording.count(alone))
    if first.quality is not None:
        of = f"of {wording.plural(flips.n, 'answer')}" if first.pairs.is_repeated else ""
        yield Fact("Gained", wording.count(len(flips.gained)), of)
        yield Fact("Lost", wording.count(len(flips.lost)), of)
        yield Fact("Right in both", wording.count(flips.both_right), of)
        yield Fact("Wrong in both", wording.count(flips.both_wrong), of)


def _note(compared: Compared, shown: int) -> str:
    rest = len(compared.comparisons) - shown
    cut = (
        f" The first {shown} of {len(compared.comparisons)} pairs of arms are shown."
        if rest
        else ""
    )
    family = words.family(compared.comparisons)
    adjusted = f" p values are adjusted: {family}." if family else ""
    return f"Paired item by item, with 95% intervals.{adjusted}{cut}"


def _flip_groups(comparisons: Sequence[Comparison]) -> Iterator[FlipGroup]:
    room = _MOST_STRETCHES
    for comparison in comparisons:
        if comparison.quality is None:
            continue
        a, b = shorten(comparison.a.name, 60), shorten(comparison.b.name, 60)
        for found, title, meaning, colour in (
            (comparison.flips.lost, f"{b} lost", f"right in {a}, wrong in {b}", "incorrect"),
            (comparison.flips.gained, f"{b} gained", f"wrong in {a}, right in {b}", "correct"),
        ):
            views = []
            for flip in found[:_MOST_FLIPS]:
                view = _flip(flip)
                room -= sum(len(stretch.text) for stretch in view.stretches) + 200
                if room < 0:
                    break
                views.append(view)
            left = len(found) - len(views)
            note = f"The first {len(views):,} of {len(found):,} are shown." if left else ""
            if found:
                yield FlipGroup(title, colour, f"{len(found):,}", meaning, tuple(views), note)


def _flip(flip: Flip) -> FlipView:
    _, epoch, choice = flip.key
    place = f", epoch {epoch + 1}" if epoch else ""
    place += f", choice {choice + 1}" if choice else ""
    a, b = flip.a_text or "", flip.b_text or ""
    note = "The beginning of long answers is compared." if is_cut(a) or is_cut(b) else ""
    stretches = tuple(StretchView(s.side.value, s.text) for s in text_difference(a, b))
    if a == b:
        note = "Both said the same." if a else "Neither has a text that could be shown."
    return FlipView(
        shorten(flip.sample_id, 120) + place,
        flip.a_outcome.value,
        wording.LABELS[flip.a_outcome],
        flip.b_outcome.value,
        wording.LABELS[flip.b_outcome],
        stretches,
        note,
    )


def _sides(compared: Compared) -> Table:
    columns = (
        *(Column(name, numeric=False) for name in ("Arm", "Run", "Mode", "Model", "Prompt")),
        Column("Server", numeric=False),
        Column("Answers"),
        Column("Started", numeric=False),
    )
    rows = tuple(
        (
            TableCell(side.name, side.arm.name if side.arm.name != side.name else ""),
            TableCell(side.info.id, code=True),
            TableCell(side.info.mode.value),
            TableCell(shorten(side.arm.model, 60)),
            TableCell(shorten(side.arm.prompt, 60)),
            TableCell(shorten(side.base_url, 80)),
            TableCell(wording.count(len(side.values.rows))),
            TableCell(wording.moment(side.info.created_at)),
        )
        for side in compared.sides
    )
    return Table("What was compared", columns, rows)
