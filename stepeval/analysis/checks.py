"""A stored run held against what its suite expects: a check for each sample in each arm, and one
for each arm.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.leaderboard import ArmSummary, leaderboard
from stepeval.analysis.outcomes import counts_as
from stepeval.analysis.rows import sample_rows
from stepeval.core.ports import RecordReader
from stepeval.core.record import Outcome, RunInfo, ScoreRow
from stepeval.core.task import Sample, Suite, item_name, metadata_matches

_LONGEST = 2000  # characters of a text that is shown
_ROUNDING = 1e-9
_LOST = {
    Outcome.NO_ANSWER: "it ended at the length limit, before an answer",
    Outcome.FILTERED: "the answer was withheld by a filter",
}


class Kind(StrEnum):
    ITEM = "item"
    SCORE = "score"
    GATE = "gate"


class Ending(StrEnum):
    PASSED = "passed"
    FAILED = "failed"  # it was judged, and is not as expected
    ERROR = "error"  # there is nothing to judge: a failed or missing request is no wrong answer
    KNOWN = "known failing"
    SKIPPED = "not asked"  # a run that may stop early did


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that an answer did not meet. ``value`` is None where it could not judge. ``line`` is
    the rule's in the suite.
    """

    rule: str
    value: float | None
    explanation: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """``sample`` is None for what is asserted of a whole arm. ``sentence`` says how it went; empty:
    as expected. ``answer`` is the first that went wrong, ``target`` what it should have been,
    ``broken`` what it did not meet. ``seconds``: how long its answers took, where that is known.
    ``file`` and ``line`` are where a reader should look, ``row`` is where the sample stands.
    """

    kind: Kind
    arm: str
    sample: str | None
    ending: Ending
    sentence: str = ""
    broken: tuple[Broken, ...] = ()
    answer: str | None = None
    target: str | None = None
    seconds: float | None = None
    file: str | None = None
    line: int | None = None
    row: str | None = None

    @property
    def name(self) -> str:
        return item_name(self.kind.value if self.sample is None else self.sample, self.arm)

    @property
    def is_bad(self) -> bool:
        return self.ending in {Ending.FAILED, Ending.ERROR}


@dataclass(frozen=True, slots=True)
class Checked:
    """A run, what its arms came to, and all its checks."""

    info: RunInfo
    arms: tuple[ArmSummary, ...]
    checks: tuple[Check, ...]

    @property
    def bad(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.is_bad)


@dataclass(slots=True)
class _Item:
    """``lacking`` is how it ends while an answer is missing."""

    lacking: Ending
    cells: set[str] = field(default_factory=set)
    values: list[float] = field(default_factory=list)
    failure: str | None = None
    lost: str | None = None
    worst: SampleRow | None = None
    seconds: float | None = None

    def add(self, row: SampleRow) -> None:
        if row.cell_id not in self.cells and row.e2e_ms is not None:
            self.seconds = (self.seconds or 0.0) + row.e2e_ms / 1000
        self.cells.add(row.cell_id)
        self.lost = self.lost or _LOST.get(row.outcome)
        value = counts_as(row.outcome, row.score)
        if value is not None:
            self.values.append(value)
        if row.failure is not None and self.failure is None:
            self.failure = f"{row.failure}: {row.failure_message}"
        if row.outcome is not Outcome.CORRECT and self.worst is None:
            self.worst = replace(row, text=row.text and _cut(row.text), reasoning=None)


def checked(reader: RecordReader) -> Checked:
    """In the suite's order: the items of each sample, then the arms.

    An item passes where the mean score of its answers (epochs and choices) is at least what the
    suite expects. An arm fails where the whole 95% interval of its score lies below the floor, so
    that at most one alarm in forty is false.
    """
    info, suite = reader.info(), reader.suite()
    lacking = Ending.SKIPPED if info.may_stop else Ending.ERROR
    items: dict[tuple[str, str], _Item] = {}
    arms = leaderboard(
        _tallied(sample_rows(reader), items, lacking), [arm.name for arm in suite.arms]
    )
    found = [
        _item_check(suite, sample, arm.name, items.get((sample.id, arm.name), _Item(lacking)))
        for sample in suite.samples
        for arm in suite.arms
    ]
    if suite.expect.floor is not None:
        whole = len(suite.samples) * suite.epochs
        found += [_floor_check(arm, suite.expect.floor, whole, lacking) for arm in arms]
    return Checked(info, arms, tuple(_explained(found, items, reader.scores())))


def _tallied(
    rows: Iterable[SampleRow], items: dict[tuple[str, str], _Item], lacking: Ending
) -> Iterator[SampleRow]:
    for row in rows:
        item = items.get((row.sample_id, row.arm))
        if item is None:
            item = items[row.sample_id, row.arm] = _Item(lacking)
        item.add(row)
        yield row


def _item_check(suite: Suite, sample: Sample, arm: str, item: _Item) -> Check:
    ending, sentence = _judged(suite, sample, item)
    if ending is Ending.FAILED and suite.expect.is_known_failing(sample.id, arm):
        ending = Ending.KNOWN
    check = Check(Kind.ITEM, arm, sample.id, ending, sentence, seconds=item.seconds)
    if ending is Ending.PASSED or item.worst is None:
        return check
    target = None if sample.target is None else _cut(str(sample.target))
    return replace(check, answer=item.worst.text, target=target)


def _judged(suite: Suite, sample: Sample, item: _Item) -> tuple[Ending, str]:
    missing = suite.epochs - len(item.cells)
    if missing > 0:
        sentence = f"{missing} of {suite.epochs} answers are missing: the run is not whole"
        return item.lacking, sentence
    if not item.values:
        return _without_value(suite, sample, item)
    least = suite.expect.least
    if least is None:
        lost = item.lost
        return (Ending.PASSED, "") if lost is None else (Ending.FAILED, f"no answer: {lost}")
    mean = sum(item.values) / len(item.values)
    if mean >= least - _ROUNDING:
        return Ending.PASSED, ""
    return Ending.FAILED, _short_of(mean, least, item)


def _without_value(suite: Suite, sample: Sample, item: _Item) -> tuple[Ending, str]:
    if item.failure is not None:
        return Ending.ERROR, f"no answer: {_cut(item.failure)}"
    if _is_unjudged(suite, sample):
        return Ending.PASSED, ""
    return Ending.ERROR, "the answer could not be judged"


def _is_unjudged(suite: Suite, sample: Sample) -> bool:
    """No rule is about this sample: that an answer came is all that can be asked."""
    return not any(
        rule.weight > 0 and metadata_matches(rule.where, sample.metadata) for rule in suite.scoring
    )


def _short_of(mean: float, least: float, item: _Item) -> str:
    count = len(item.values)
    wrong = sum(value < 1 - _ROUNDING for value in item.values)
    which = "the answer is" if count == 1 else f"{wrong} of {count} answers are"
    wanted = "" if least == 1 else f" where {least:g} is expected"
    why = "" if item.lost is None else f" ({item.lost})"
    return f"{which} not right: score {mean:.2f}{wanted}{why}"


def _floor_check(arm: ArmSummary, floor: float, whole: int, lacking: Ending) -> Check:
    found = arm.score
    if arm.cells < whole:
        missing = f"{whole - arm.cells} of {whole} answers are missing: the run is not whole"
        return Check(Kind.SCORE, arm.arm, None, lacking, missing)
    if found.value is None:
        return Check(Kind.SCORE, arm.arm, None, Ending.ERROR, "no answer of this arm was judged")
    has_ends = found.low is not None and found.high is not None
    ends = f"95% {found.low:.3f} to {found.high:.3f}, " if has_ends else ""
    said = f"score {found.value:.3f} ({ends}n = {found.n})"
    if (found.value if found.high is None else found.high) < floor - _ROUNDING:
        sentence = f"{said} is shown to lie below {floor:g}"
        return Check(Kind.SCORE, arm.arm, None, Ending.FAILED, sentence)
    sentence = f"{said} is not shown to lie below {floor:g}"
    return Check(Kind.SCORE, arm.arm, None, Ending.PASSED, sentence)


def _explained(
    found: Iterable[Check],
    items: Mapping[tuple[str, str], _Item],
    scores: Iterable[ScoreRow],
) -> Iterator[Check]:
    """Checks that did not pass, with the rules that their first wrong answer did not meet."""
    found = tuple(found)
    broken: dict[tuple[str, int], list[Broken]] = {}
    places: dict[int, tuple[str, int]] = {}
    for at, check in enumerate(found):
        item = items.get((check.sample or "", check.arm)) if check.sample is not None else None
        if item is not None and item.worst is not None and check.ending is not Ending.PASSED:
            places[at] = (item.worst.cell_id, item.worst.choice)
            broken[places[at]] = []
    for row in scores if broken else ():
        value = row.score.value
        if (row.cell_id, row.choice) in broken and (value is None or value < 1 - _ROUNDING):
            told = Broken(row.rule, value, _cut(row.score.explanation or ""))
            broken[row.cell_id, row.choice].append(told)
    for at, check in enumerate(found):
        yield replace(check, broken=tuple(broken[places[at]])) if at in places else check


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
