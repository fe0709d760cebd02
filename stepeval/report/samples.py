"""Every sample's texts, those that went wrong first, within what a page can carry."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepeval.analysis.rows import SampleRow
from stepeval.core.ports import RecordReader
from stepeval.core.record import Record, ScoreRow
from stepeval.core.task import Sample
from stepeval.report import wording
from stepeval.report.evidence import Evidence
from stepeval.report.lapses import WORST_FIRST, ScoresByAnswer, unsaid_answer
from stepeval.report.passages import MOST_CHARACTERS, answer_passages, passage, prompt_passages
from stepeval.report.text import shorten
from stepeval.report.view import Answer, Fact, Judgement, Passage, SampleView

_MOST_SAMPLES = 1000
_MOST_ANSWERS = 5000  # each is about a kilobyte of markup around its texts
_MOST_TEXT = 4_500_000  # characters of all texts: at three bytes each the page stays below 15 MB
_EXCERPT = 160
_ALL_RIGHT = 1.0
_RANK = {outcome: rank for rank, outcome in enumerate(WORST_FIRST)}


@dataclass(frozen=True, slots=True)
class Selection:
    """The samples that are shown, in order, with their answers; ``note`` says of how many."""

    rows: Mapping[str, Sequence[SampleRow]]
    note: str

    @property
    def anchors(self) -> dict[str, str]:
        return {key: f"sample-{place}" for place, key in enumerate(self.rows, 1)}

    @property
    def cells(self) -> set[str]:
        return {row.cell_id for rows in self.rows.values() for row in rows}


def select(evidence: Evidence, most: int = _MOST_SAMPLES) -> Selection:
    """By the worst outcome of any arm, then in the order they were finished."""
    grouped: dict[str, list[SampleRow]] = {}
    for row in evidence.rows:
        grouped.setdefault(row.sample_key, []).append(row)
    worst_first = sorted(grouped, key=lambda key: min(map(_rank, grouped[key])))
    prompts = {sample.key: _length(sample.input) for sample in evidence.suite.samples}
    chosen: dict[str, list[SampleRow]] = {}
    text = answers = 0
    for key in worst_first[:most]:
        text += sum(_text_length(row, prompts.get(key, 0)) for row in grouped[key])
        answers += len(grouped[key])
        if chosen and (text > _MOST_TEXT or answers > _MOST_ANSWERS):
            break
        chosen[key] = sorted(
            grouped[key], key=lambda row: (evidence.series(row.arm), row.epoch, row.choice)
        )
    return Selection(chosen, _note(len(chosen), len(grouped)))


def sample_views(
    reader: RecordReader, evidence: Evidence, selection: Selection, scores: ScoresByAnswer
) -> tuple[SampleView, ...]:
    records = _chosen(reader.records(), selection.cells)
    anchors = selection.anchors
    return tuple(
        _view(evidence, anchors[key], rows, records, scores) for key, rows in selection.rows.items()
    )


def _chosen(records: Iterable[Record], cells: set[str]) -> dict[str, Record]:
    return {record.cell.id: record for record in records if record.cell.id in cells}


def _view(
    evidence: Evidence,
    anchor: str,
    rows: Sequence[SampleRow],
    records: Mapping[str, Record],
    scores: ScoresByAnswer,
) -> SampleView:
    sample = records[rows[0].cell_id].cell.sample
    prompts = [prompt_passages(_body(records[row.cell_id])) for row in rows]
    shared = prompts[0] if all(prompt == prompts[0] for prompt in prompts) else ()
    answers = tuple(
        _answer(evidence, row, records[row.cell_id], () if shared else prompt, scores)
        for row, prompt in zip(rows, prompts, strict=True)
    )
    return SampleView(
        id=shorten(sample.id, 120),
        anchor=anchor,
        excerpt=shorten(_as_text(sample.input), _EXCERPT),
        prompt=shared,
        target="" if sample.target is None else shorten(_as_text(sample.target), 400),
        tags=tuple(_tags(sample)),
        answers=answers,
    )


def _answer(
    evidence: Evidence,
    row: SampleRow,
    record: Record,
    prompt: tuple[Passage, ...],
    scores: ScoresByAnswer,
) -> Answer:
    return Answer(
        arm=_answer_name(evidence, row),
        colour=evidence.colour(row.arm),
        outcome=row.outcome.value,
        label=wording.LABELS[row.outcome],
        facts=tuple(_facts(row)),
        prompt=prompt,
        passages=answer_passages(record.result, row.choice),
        judgements=tuple(map(_judgement, scores.get((row.cell_id, row.choice), ()))),
    )


def _answer_name(evidence: Evidence, row: SampleRow) -> str:
    epoch = f", epoch {row.epoch + 1}" if evidence.suite.epochs > 1 else ""
    return row.arm + epoch + (f", choice {row.choice + 1}" if row.choice else "")


def _original_cost(row: SampleRow) -> float | None:
    """Where the run itself paid less, as the cache or a cassette answered."""
    return None if row.original_cost == row.cost else row.original_cost


def _facts(row: SampleRow) -> Iterator[Fact]:
    known: tuple[tuple[str, Any, str], ...] = (
        ("first token", row.ttft_ms, wording.milliseconds(row.ttft_ms)),
        ("whole answer", row.e2e_ms, wording.milliseconds(row.e2e_ms)),
        ("reasoning", row.reasoning_tokens, wording.plural(row.reasoning_tokens or 0, "token")),
        ("answer", row.answer_tokens, wording.plural(row.answer_tokens or 0, "token")),
        ("cost", row.cost, wording.money(row.cost, row.currency)),
        ("cost when sent", _original_cost(row), wording.money(row.original_cost, row.currency)),
        ("finish", row.finish_reason, shorten(row.finish_reason or "", 40)),
        ("attempts", row.attempts if row.attempts > 1 else None, wording.count(row.attempts)),
    )
    for label, value, text in known:
        if value is not None and text:
            yield Fact(label, text)
    if row.trace_id:
        yield Fact("trace", shorten(row.trace_id, 80), code=True)


def _judgement(row: ScoreRow) -> Judgement:
    score = row.score
    right = None if score.value is None else score.value >= _ALL_RIGHT
    return Judgement(
        rule=shorten(row.rule, 80),
        value="not judged" if score.value is None else f"{score.value:.3g}",
        right=right,
        answer=shorten(unsaid_answer(score) or "", 400),
        explanation=passage("", score.explanation or "").text,
    )


def _tags(sample: Sample) -> Iterator[str]:
    for name, value in sample.metadata.items():
        if isinstance(value, str | int | float):
            yield shorten(f"{name}: {value}", 60)


def _body(record: Record) -> str:
    return record.attempts[-1].exchange.body


def _rank(row: SampleRow) -> int:
    return _RANK.get(row.outcome, len(_RANK))


def _text_length(row: SampleRow, prompt: int) -> int:
    parts = (prompt, row.reasoning_chars or 0, row.answer_chars or 0)
    return sum(min(part, MOST_CHARACTERS) for part in parts)


def _length(value: Any) -> int:
    return len(_as_text(value))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _note(shown: int, total: int) -> str:
    if shown == 0:
        return "No sample has its result yet."
    what = "Each opens to the prompt as it was sent, the reasoning, the answer and its scores."
    if shown < total:
        return f"The first {shown:,} of {total:,} samples, those that went wrong first. {what}"
    return f"{wording.plural(total, 'sample').capitalize()}, those that went wrong first. {what}"
