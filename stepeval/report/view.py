"""What the page shows, computed, rounded and worded: a template only lays it out.

All text is as it came; the page escapes it. ``svg`` fields hold elements made by
:mod:`stepeval.report.charts`, the only markup there is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A share with its interval, drawn in a box 100 wide: places along it, as text."""

    value: str
    low: str
    span: str


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of a bar 100 wide. ``colour`` is one of the page's names."""

    start: str
    length: str
    colour: str


@dataclass(frozen=True, slots=True)
class TableCell:
    """``colour`` asks for a swatch before the text. ``faint``: there is nothing to say."""

    text: str
    note: str = ""
    bar: Bar | None = None
    slices: tuple[Slice, ...] = ()
    colour: str = ""
    faint: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """``help`` is read under the table, so that no number goes undefined."""

    label: str
    numeric: bool = True
    help: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of each row is the row's header."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[TableCell, ...], ...]


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str
    note: str = ""
    code: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of a legend. ``dash`` is an SVG dash pattern; empty for an area."""

    name: str
    colour: str
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """``table`` says the same in numbers."""

    id: str
    title: str
    caption: str
    svg: str
    table: Table
    legend: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class ChartGroup:
    title: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class LoadView:
    """``stamp``: why the client may have set the numbers; empty where it kept up."""

    lede: str
    stamp: tuple[str, ...]
    main: tuple[Table, ...]
    groups: tuple[ChartGroup, ...]
    tables: tuple[Table, ...]
    certificate: Table
    certificate_note: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A text of a sample, capped; ``note`` says what is missing. ``folded``: shown when asked."""

    label: str
    text: str
    note: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """``sentence`` is the finding; ``caveats`` what a reader must know before believing it."""

    sentence: str
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """One score of one answer. ``right`` is None where it could not be judged."""

    rule: str
    value: str
    right: bool | None
    answer: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What one arm made of a sample. ``outcome`` is the page's name for it, ``label`` its words."""

    arm: str
    colour: str
    outcome: str
    label: str
    facts: tuple[Fact, ...]
    prompt: tuple[Passage, ...]
    passages: tuple[Passage, ...]
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True, slots=True)
class SampleView:
    """``prompt`` is what every arm was asked; where they differ it stands with each answer."""

    id: str
    anchor: str
    excerpt: str
    prompt: tuple[Passage, ...]
    target: str
    tags: tuple[str, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Lapse:
    """One answer that went wrong, in the list of all that did. An empty anchor: not shown below."""

    sample: str
    anchor: str
    arm: str
    colour: str
    reason: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class LapseGroup:
    """``note`` says how many are left out of ``lapses``, if any are."""

    outcome: str
    label: str
    count: str
    meaning: str
    lapses: tuple[Lapse, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class TiersView:
    """``advice``: a sentence for each group of tiers that differ in nothing else."""

    advice: tuple[str, ...]
    tables: tuple[Table, ...]
    note: str


@dataclass(frozen=True, slots=True)
class FlakinessView:
    lede: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class GateView:
    """``sentence`` is the verdict, ``notes`` what to know before believing it."""

    title: str
    sentence: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class ReportData:
    title: str
    mode: str
    mode_sentence: str
    suite: str
    description: str
    when: str
    verdict: Verdict
    load: LoadView | None
    gate: GateView | None
    tiers: TiersView | None
    flakiness: FlakinessView | None
    facts: tuple[Fact, ...]
    leaderboard_title: str
    leaderboard: tuple[Table, ...]
    wire: Table
    warnings: tuple[str, ...]
    charts: tuple[Chart, ...]
    breakdowns: tuple[Table, ...]
    lapses: tuple[LapseGroup, ...]
    lapses_note: str
    samples: tuple[SampleView, ...]
    samples_note: str
    samples_folded: bool
    provenance: tuple[Fact, ...]
    command: str
