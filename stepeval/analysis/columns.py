"""The columns of the three tidy tables, each documented once, here, with its unit."""

# ruff: noqa: RUF009  -- _column is dataclasses.field, with the metadata every column must have

from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from typing import Any

from stepeval.core.chat import ChunkKind
from stepeval.core.record import Mode, Outcome


def _column(meaning: str, null: str = "") -> Any:
    """``null`` says what None means; empty: the column is never None."""
    return field(metadata={"meaning": meaning, "null": null})


def documentation(column: "Field[Any]") -> tuple[str, str]:
    """A column's meaning, and what None means there (empty: it is never None)."""
    known: Mapping[str, str] = column.metadata
    return known["meaning"], known["null"]


_NOT_SAID = "the API did not say, or the request failed"
_FAILED = "the request failed"
_NOT_STREAMED = "not streamed, or the request failed"


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One choice of one cell. A cell without a choice (a failed request) has one row, choice 0.

    The columns from ``attempts`` on belong to the request and repeat on each of its choices: sum
    and average them over distinct ``cell_id``. Latencies are those of the final attempt.
    """

    run_id: str = _column("the run")
    mode: Mode = _column("LIVE, SIMULATED or REPLAY; rows of different modes are never mixed")
    cell_id: str = _column("the request: hash of its content")
    arm: str = _column("the arm's name")
    provider: str = _column("the provider's name")
    model: str = _column("the model that was asked")
    prompt: str = _column("the prompt's id")
    params: str = _column("the arm's other parameters, as JSON with sorted names")
    sample_id: str = _column("the sample's id in its suite")
    sample_key: str = _column("hash of the sample's content; with epoch, what arms are paired on")
    cluster: str | None = _column(
        "the sample's metadata.cluster: samples that share it are no independent evidence",
        "it stands for itself",
    )
    epoch: int = _column("which repetition, from 0")
    choice: int = _column("which choice of the response, from 0")
    outcome: Outcome = _column("how it ended: see Outcomes below")
    score: float | None = _column("weighted mean of the rules, 0 to 1", "not scored, or not all")
    correct: bool | None = _column("whether outcome is correct", "does not count for accuracy")
    text: str | None = _column("the answer", _FAILED)
    reasoning: str | None = _column("the reasoning text", "none was sent")
    finish_reason: str | None = _column("why the model stopped", _NOT_SAID)
    reasoning_chars: int | None = _column("characters of reasoning", "none was sent")
    answer_chars: int | None = _column("characters of text", _FAILED)
    attempts: int = _column("requests for this cell, one that the cache answered included")
    from_cache: bool = _column("whether the response cache answered: it has no times")
    retried: str | None = _column(
        "the kinds of the failures that were tried again, by commas", "the first attempt was final"
    )
    failure: str | None = _column("the failure's kind", "the request succeeded")
    failure_message: str | None = _column("the failure, for people", "the request succeeded")
    status: int | None = _column("HTTP status of the failure", "it succeeded or had no status")
    trace_id: str | None = _column("the server's name for the request", "it gave none")
    ttfe_ms: float | None = _column("ms from send to the first event of any kind", _NOT_STREAMED)
    ttft_ms: float | None = _column("ms from send to the first token", _NOT_STREAMED)
    ttfr_ms: float | None = _column("ms from send to the first reasoning", "none came")
    ttfa_ms: float | None = _column("ms from send to the first of the answer", "none came")
    thinking_ms: float | None = _column("ttfa_ms - ttfr_ms", "one of them is missing")
    tpot_ms: float | None = _column(
        "ms per output token after the first chunk with tokens", "no token counts in the stream"
    )
    e2e_ms: float | None = _column("ms from send to the last token or the finish", _FAILED)
    stall_ms: float | None = _column("ms of the longest gap between tokens", "fewer than 2 chunks")
    user_ms: float | None = _column(
        "ms from the first attempt's send to the finish, back-off included", _FAILED
    )
    schedule_lag_ms: float | None = _column(
        "ms from when the first attempt was due to its send", "it was never sent"
    )
    input_tokens: int | None = _column("tokens of the prompt", _NOT_SAID)
    cached_tokens: int | None = _column("those of them read from the server's cache", _NOT_SAID)
    output_tokens: int | None = _column("tokens of the completion, reasoning included", _NOT_SAID)
    reasoning_tokens: int | None = _column("those of them that are reasoning", "not known")
    answer_tokens: int | None = _column("those of them that are the answer", "not known")
    reasoning_source: str | None = _column(
        "provider: it said so; chunks: from the stream's running counts", "not known"
    )
    chunk_count: int | None = _column("events of the stream", _NOT_STREAMED)
    coalesced_share: float | None = _column(
        "share of them that shared a read, whose gaps are not to be trusted", _NOT_STREAMED
    )
    cost: float | None = _column(
        "what this run paid: 0 for what a cache or cassette answered, else original_cost",
        "the price or the tokens unknown",
    )
    original_cost: float | None = _column(
        "of all attempts whose tokens are known, when they were sent, in currency",
        "the price or the tokens unknown",
    )
    currency: str | None = _column("ISO code of cost", "the price is not known")


@dataclass(frozen=True, slots=True)
class ScoreTableRow:
    """One rule's score of one choice, of the latest scoring."""

    run_id: str = _column("the run")
    mode: Mode = _column("LIVE, SIMULATED or REPLAY")
    cell_id: str = _column("the request")
    choice: int = _column("which choice of the response, from 0")
    rule: str = _column("the rule's id")
    scorer: str = _column("the scorer's name")
    value: float | None = _column("0 to 1, negation applied", "it could not be judged")
    answer: str | None = _column("what the scorer read out of the text", "it reads nothing out")
    explanation: str | None = _column("why, for people", "the scorer gives none")
    metadata: str = _column("what else the scorer noted, as JSON with sorted names")


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One stream event of a cell's final attempt, also of one that broke off."""

    run_id: str = _column("the run")
    mode: Mode = _column("LIVE, SIMULATED or REPLAY")
    cell_id: str = _column("the request")
    arm: str = _column("the arm's name")
    index: int = _column("place in the stream, from 0")
    choice: int = _column("which choice it belongs to")
    kind: ChunkKind = _column("role, reasoning, answer, tool, mixed, control or usage")
    arrival_ms: float | None = _column("ms from send to when it was complete", "send unknown")
    not_before_ms: float | None = _column("ms from send to the read before it", "send unknown")
    gap_ms: float | None = _column("ms since the event before it", "the first event")
    output_tokens: int | None = _column("completion tokens so far", "the event has no count")
    reasoning_chars: int = _column("characters of reasoning in it")
    answer_chars: int = _column("characters of the answer in it")
    coalesced: bool = _column("whether it shared its read with another event")
    stamp: str = _column("who read the clock: read or kernel")
