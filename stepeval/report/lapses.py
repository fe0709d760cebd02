"""Every answer that went wrong, grouped by how, the worst kind first."""

import re
from collections.abc import Mapping, Sequence

from stepeval.analysis.rows import SampleRow
from stepeval.core.record import Outcome, Score, ScoreRow
from stepeval.report import palette, wording
from stepeval.report.text import shorten
from stepeval.report.view import Lapse, LapseGroup

_MEANING = {
    Outcome.FAILED: "the request brought no answer; not counted as wrong",
    Outcome.NO_ANSWER: "the length limit came before the answer did; counted as wrong",
    Outcome.FILTERED: "a filter took the answer away; counted as wrong",
    Outcome.INCORRECT: "answered, and wrong",
    Outcome.UNSCORED: "no rule could judge the answer; not counted as wrong",
}
WORST_FIRST = tuple(_MEANING)
MOST_LISTED = 200  # of one kind
_REASON_LENGTH = 240

ScoresByAnswer = Mapping[tuple[str, int], Sequence[ScoreRow]]


def lapsed(rows: Sequence[SampleRow], *, scored: bool) -> dict[Outcome, list[SampleRow]]:
    """The rows of each kind; without rules, being unscored is no lapse."""
    kinds = [kind for kind in WORST_FIRST if scored or kind is not Outcome.UNSCORED]
    found = {kind: [row for row in rows if row.outcome is kind] for kind in kinds}
    return {kind: those for kind, those in found.items() if those}


def lapse_groups(
    groups: Mapping[Outcome, Sequence[SampleRow]],
    scores: ScoresByAnswer,
    anchors: Mapping[str, str],
    series: Mapping[str, int],
    *,
    scored: bool = True,
) -> tuple[LapseGroup, ...]:
    """``anchors``: where in the page a sample's key is shown. ``series``: an arm's colour.

    Where nothing is ``scored`` nothing counts as wrong, and none of it is said.
    """
    return tuple(
        LapseGroup(
            outcome=outcome.value,
            label=wording.LABELS[outcome].capitalize(),
            count=f"{len(rows):,}",
            meaning=_MEANING[outcome] if scored else _MEANING[outcome].partition(";")[0],
            lapses=tuple(
                Lapse(
                    sample=row.sample_id,
                    anchor=anchors.get(row.sample_key, ""),
                    arm=row.arm,
                    colour=palette.series_name(series.get(row.arm, 0)),
                    reason=shorten(_reason(row, scores), _REASON_LENGTH),
                    trace_id=shorten(row.trace_id or "", 80),
                )
                for row in rows[:MOST_LISTED]
            ),
            note=_left_out(len(rows)),
        )
        for outcome, rows in groups.items()
    )


def _left_out(number: int) -> str:
    return f"The first {MOST_LISTED} of {number:,} are listed." if number > MOST_LISTED else ""


def _reason(row: SampleRow, scores: ScoresByAnswer) -> str:
    if row.failure is not None:
        status = "" if row.status is None else f" {row.status}"
        return f"{row.failure}{status}: {row.failure_message or ''}"
    if row.outcome is Outcome.NO_ANSWER:
        spent = row.reasoning_tokens
        thinking = "" if spent is None else f" after {wording.plural(spent, 'token')} of reasoning"
        return f"empty at the length limit{thinking}"
    if row.outcome is Outcome.FILTERED:
        return f"finish_reason {row.finish_reason}"
    return "; ".join(_judged(score) for score in scores.get((row.cell_id, row.choice), ()))


def _judged(row: ScoreRow) -> str:
    score = row.score
    answer = unsaid_answer(score)
    said = [] if answer is None else [f"answered {answer!r}"]
    said += [score.explanation] if score.explanation else []
    value = "not judged" if score.value is None else f"{score.value:.3g}"
    return f"{row.rule} {value}" + (f" ({', '.join(said)})" if said else "")


def unsaid_answer(score: Score) -> str | None:
    """The answer that was scored; None where there is none, or the explanation names it."""
    answer, explanation = score.answer, score.explanation or ""
    if answer is None or explanation.startswith("answered "):
        return None
    named = answer and re.search(rf"(?<!\w){re.escape(answer)}(?!\w)", explanation)
    return None if named else answer
