"""The leaderboard's tables and the wire proof's, number by number."""

import json
from collections.abc import Sequence
from typing import Any

from stepeval.analysis.leaderboard import ArmSummary
from stepeval.analysis.retries import kinds_in_words
from stepeval.analysis.wire_proof import ArmWire
from stepeval.core.record import Mode, Outcome
from stepeval.report import wording
from stepeval.report.evidence import Estimate, Evidence, cost_per_request
from stepeval.report.text import shorten
from stepeval.report.view import Bar, Column, Slice, Table, TableCell

UNKNOWN = TableCell("unknown", faint=True)
_SMALL = "n too small"
_ORDER = (
    Outcome.CORRECT,
    Outcome.INCORRECT,
    Outcome.NO_ANSWER,
    Outcome.FILTERED,
    Outcome.UNSCORED,
    Outcome.FAILED,
    Outcome.SKIPPED,
)


def leaderboard_tables(evidence: Evidence) -> tuple[Table, ...]:
    """Of a load benchmark without its times, and where it is not judged without its quality."""
    arms = evidence.best_first()
    if evidence.info.load is not None:
        quality = [_quality_table(evidence, arms)] if evidence.suite.scoring else []
        return (*quality, _token_table(evidence, arms))
    return (
        _quality_table(evidence, arms),
        _speed_table(evidence, arms),
        _token_table(evidence, arms),
    )


def _quality_table(evidence: Evidence, arms: Sequence[ArmSummary]) -> Table:
    bounds = "" if evidence.info.may_stop else ", with its 95% interval"
    counted = f"correct of all but failed, unscored and skipped{bounds}"
    graded = f"the same answers' mean score{bounds}"
    price = f"cost of judged answers by the correct ones{bounds}"
    columns = [
        Column("Arm", numeric=False),
        Column("n", help="answers"),
        Column("Right", numeric=False, help=counted),
        *([Column("Mean score", numeric=False, help=graded)] if evidence.partly_right else []),
        Column("Outcomes", numeric=False),
        Column("Cost per correct", help=price),
        Column("Cost", help="paid for all attempts whose tokens are known, at the prices below"),
    ]
    rows = [
        (
            arm_cell(evidence, arm),
            TableCell(wording.count(arm.n)),
            share_cell(evidence.accuracy(arm)),
            *((share_cell(evidence.mean_score(arm)),) if evidence.partly_right else ()),
            _outcome_cell(arm),
            _price_cell(arm),
            _total_cell(arm),
        )
        for arm in arms
    ]
    return Table("Quality and cost", tuple(columns), tuple(rows))


def _speed_table(evidence: Evidence, arms: Sequence[ArmSummary]) -> Table:
    labels = ("First token p50", "p90", "p95", "Whole answer p50", "p90", "p95", "Per token p50")
    meanings = {
        "First token p50": "from the request's first byte to the first token, reasoning included",
        "Whole answer p50": "to the last token, or the finish",
        "Per token p50": "time between output tokens after the first",
    }
    columns = [Column(label, help=meanings.get(label, "")) for label in labels]
    rows = [
        (
            arm_cell(evidence, arm),
            *(
                time_cell(found)
                for group in (arm.ttft_ms, arm.e2e_ms)
                for found in (group.p50, group.p90, group.p95)
            ),
            time_cell(arm.tpot_ms),
        )
        for arm in arms
    ]
    return Table(_speed_title(evidence), (Column("Arm", numeric=False), *columns), tuple(rows))


def _speed_title(evidence: Evidence) -> str:
    if evidence.info.mode is Mode.REPLAY:
        return "Speed, as it was recorded"
    return "Speed" if evidence.unfit is None else "Speed, under a load that changed: for no verdict"


def _token_table(evidence: Evidence, arms: Sequence[ArmSummary]) -> Table:
    columns = (
        Column("Arm", numeric=False),
        Column("Input"),
        Column("Read from cache", help="share of the input tokens"),
        Column("Reasoning", help="the provider's own count, else from the stream's running counts"),
        Column("Answer"),
        Column("Output"),
        Column("Retried", help="requests that took more than one attempt"),
    )
    rows = [
        (
            arm_cell(evidence, arm),
            _token_cell(arm.input_tokens),
            _share_only(arm.cached_share),
            _token_cell(arm.reasoning_tokens),
            _token_cell(arm.answer_tokens),
            _token_cell(arm.output_tokens),
            _retried_cell(arm),
        )
        for arm in arms
    ]
    return Table("Tokens, mean per request", columns, tuple(rows))


def wire_table(evidence: Evidence, arms: Sequence[ArmWire]) -> Table:
    """``params`` in the order of their names; the model is one of them."""
    names = sorted({name for arm in arms for name in arm.params} - {"stream"})
    columns = (
        Column("Arm", numeric=False),
        Column("Requests", help="attempts: retries, and those the cache answered, included"),
        *(Column(shorten(name, 40), numeric=False) for name in names),
        Column("Reasoning", help="median per request, as it came back"),
    )
    rows = tuple(
        (
            TableCell(arm.arm, colour=evidence.colour(arm.arm)),
            TableCell(wording.count(arm.requests)),
            *(_values_cell(arm.params.get(name, ())) for name in names),
            _reasoning_cell(arm),
        )
        for arm in arms
    )
    return Table("Parameters on the wire", columns, rows)


def arm_cell(evidence: Evidence, arm: ArmSummary) -> TableCell:
    model = next((known.model for known in evidence.suite.arms if known.name == arm.arm), "")
    return TableCell(arm.arm, shorten(model, 60), colour=evidence.colour(arm.arm))


def share_cell(found: Estimate) -> TableCell:
    """A share with its interval, as text and as a bar."""
    if found.value is None:
        return TableCell(_SMALL if found.n else "none judged", faint=True)
    bounds = wording.percents(found.low, found.high)
    bar = Bar(_place(min(found.value, 0.986)), "", "")
    if found.low is not None and found.high is not None:
        bar = Bar(bar.value, _place(found.low), _place(found.high - found.low))
    return TableCell(wording.percent(found.value), bounds, bar=bar)


def _outcome_cell(arm: ArmSummary) -> TableCell:
    present = [(outcome, arm.outcomes.get(outcome, 0)) for outcome in _ORDER]
    present = [(outcome, number) for outcome, number in present if number]
    if not present:
        return TableCell("nothing yet", faint=True)
    slices = []
    start = 0.0
    for outcome, number in present:
        share = number / arm.n
        slices.append(Slice(_place(start), _place(share), outcome.value))
        start += share
    words = ", ".join(f"{number:,} {wording.LABELS[outcome]}" for outcome, number in present)
    return TableCell("", words, slices=tuple(slices))


def _price_cell(arm: ArmSummary) -> TableCell:
    """Of a correct answer. Where none is right there is no price, however many were asked."""
    found, currency = arm.cost_per_correct, arm.currency
    if found.value is None:
        none_right = found.n and not arm.outcomes.get(Outcome.CORRECT)
        return TableCell("none right" if none_right else found.reason or "unknown", faint=True)
    ends = ""
    if found.low is not None and found.high is not None:
        low, high = (wording.money(end, currency) for end in (found.low, found.high))
        ends = wording.span(low, high)
    return TableCell(wording.money(found.value, currency), ends)


def _total_cell(arm: ArmSummary) -> TableCell:
    each = cost_per_request(arm)
    if arm.cost_total is None or each is None:
        return UNKNOWN
    note = f"{wording.money(each, arm.currency)} a request"
    unknown = arm.cells - arm.cost_cells - sum(arm.failures.values())
    if unknown > 0:
        note += f", {unknown:,} unknown"
    if arm.cost_original is not None and arm.cost_original != arm.cost_total:
        note += f", {wording.money(arm.cost_original, arm.currency)} when they were sent"
    return TableCell(wording.money(arm.cost_total, arm.currency), note)


def time_cell(found: Estimate) -> TableCell:
    if found.value is None:
        return TableCell(_SMALL if found.n else "not measured", _needed(found), faint=True)
    if found.low is None or found.high is None:
        return TableCell(wording.milliseconds(found.value))
    ends = (wording.milliseconds(end) for end in (found.low, found.high))
    return TableCell(wording.milliseconds(found.value), wording.span(*ends))


def _needed(found: Estimate) -> str:
    return f"n = {found.n:,}" if found.n else ""


def _token_cell(found: Estimate) -> TableCell:
    if found.value is None:
        return UNKNOWN
    ends = ""
    if found.low is not None and found.high is not None:
        ends = wording.span(wording.count(max(0.0, found.low)), wording.count(found.high))
    return TableCell(wording.count(found.value), ends)


def _share_only(share: float | None) -> TableCell:
    return UNKNOWN if share is None else TableCell(wording.percent(share))


def _retried_cell(arm: ArmSummary) -> TableCell:
    if arm.retry_share is None:
        return UNKNOWN
    kinds = f"after {kinds_in_words(arm.retried)}" if arm.retried else ""
    return TableCell(wording.percent(arm.retry_share), kinds)


def _values_cell(values: Sequence[Any]) -> TableCell:
    if not values:
        return TableCell("not sent", faint=True)
    shown = ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
    return TableCell(shorten(shown, 120), code=True)


def _reasoning_cell(arm: ArmWire) -> TableCell:
    if arm.reasoning is None:
        return TableCell("none seen", faint=True)
    return TableCell(wording.count(arm.reasoning), arm.reasoning_unit or "")


def _place(share: float) -> str:
    return f"{100 * share:.2f}"
