"""What a comparison's page shows, computed, rounded and worded; see :mod:`stepeval.report.view`."""

from dataclasses import dataclass

from stepeval.report.view import Chart, Fact, FlakinessView, Table, TiersView


@dataclass(frozen=True, slots=True)
class StretchView:
    """``side``: both, only_a or only_b."""

    side: str
    text: str


@dataclass(frozen=True, slots=True)
class FlipView:
    """``a_outcome`` and ``b_outcome`` are the page's names, the labels their words."""

    sample: str
    a_outcome: str
    a_label: str
    b_outcome: str
    b_label: str
    stretches: tuple[StretchView, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class FlipGroup:
    """``note`` says how many are left out of ``flips``, if any are."""

    title: str
    colour: str
    count: str
    meaning: str
    flips: tuple[FlipView, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One pair of arms, number by number."""

    table: Table
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ComparisonPage:
    """``mode`` joins those of all sides."""

    title: str
    mode: str
    mode_sentence: str
    suite: str
    sentence: str
    caveats: tuple[str, ...]
    facts: tuple[Fact, ...]
    tiers: TiersView | None
    charts: tuple[Chart, ...]
    differences_note: str
    parts: tuple[Part, ...]
    flips: tuple[FlipGroup, ...]
    flips_note: str
    flakiness: FlakinessView | None
    sides: Table
