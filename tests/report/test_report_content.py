"""What the page says: careful sentences, counts that add up, what is unknown called unknown."""

import json
import re
import time
from dataclasses import replace

import pytest
from report_runs import MadeRun, made_run

from stepeval.core.chat import Choice, Response
from stepeval.core.record import CassetteInfo, Mode, Outcome, Record, Score
from stepeval.core.task import Price
from stepeval.report import samples, wording
from stepeval.report.breakdown import value_labels
from stepeval.report.content import gather
from stepeval.report.lapses import MOST_LISTED, unsaid_answer
from stepeval.report.passages import MOST_CHARACTERS, prompt_passages
from stepeval.report.view import ReportData, Table


@pytest.fixture(scope="module")
def report() -> ReportData:
    return gather(made_run())


def cells(table: Table, column: str) -> dict[str, str]:
    place = [c.label for c in table.columns].index(column)
    return {row[0].text: row[place].text for row in table.rows}


def rewritten(run: MadeRun, text: str) -> MadeRun:
    """Every answer replaced."""

    def change(record: Record) -> Record:
        (attempt,) = record.attempts
        result = attempt.exchange.result
        if not isinstance(result, Response):
            return record
        changed = replace(result, choices=(replace(result.choices[0], text=text),))
        exchange = replace(attempt.exchange, result=changed)
        return replace(record, attempts=(replace(attempt, exchange=exchange),))

    return replace(run, made_records=tuple(map(change, run.made_records)))


def scored(run: MadeRun, **values: float) -> MadeRun:
    """Every answer of an arm given one value."""
    rows = tuple(
        replace(row, score=replace(row.score, value=values[row.cell_id.rpartition("-")[2]]))
        for row in run.made_scores
    )
    return replace(run, made_scores=rows)


def test_a_paired_difference_beyond_chance_is_called_one_with_its_interval() -> None:
    verdict = gather(scored(made_run(), low=0.0, medium=0.0, high=1.0)).verdict
    assert verdict.sentence.startswith("high answers ")
    assert "96.6 points above low (90.4 to 99.5), at 6.8x its cost." in verdict.sentence
    assert "no difference" not in verdict.sentence


def test_an_undecided_difference_says_how_many_items_would_decide_it(report: ReportData) -> None:
    assert re.search(
        r"points above low \(-?[\d.]+ to [\d.]+\), at 6.8x its cost; no difference is shown: "
        r"[\d,]+ more items would show 2 points\.$",
        report.verdict.sentence,
    )


def test_the_best_of_many_arms_must_stand_out_among_all_their_pairs() -> None:
    """It has 8 of 60 items more than each other arm: of two arms that would be shown."""
    names = ("low", *(f"arm-{n}" for n in range(5)))
    run = made_run(arms=names, items=60)
    scores = tuple(
        replace(row, score=replace(row.score, value=float(arm == "arm-0" or int(place) >= 8)))
        for row in run.made_scores
        for _, place, arm in (row.cell_id.split("-", 2),)
    )
    two = gather(
        replace(
            run,
            made_scores=tuple(s for s in scores if s.cell_id.endswith(("-low", "-arm-0"))),
            made_records=tuple(r for r in run.made_records if r.cell.arm.name in {"low", "arm-0"}),
        )
    )
    many = gather(replace(run, made_scores=scores))
    for found in (two, many):
        assert "arm-0 answers" in found.verdict.sentence
    assert "no difference is shown" not in two.verdict.sentence
    assert "no difference is shown" in many.verdict.sentence


def test_equal_arms_are_level() -> None:
    run = scored(made_run(arms=("low", "high"), items=1), low=1.0, high=1.0)
    assert "level with high" in gather(run).verdict.sentence


def test_tiers_stand_in_a_section_with_their_advice(report: ReportData) -> None:
    assert report.tiers is not None
    (advice,) = report.tiers.advice
    assert re.match(r"medium over low: .*; high over medium: .*\.$", advice)
    (table,) = report.tiers.tables
    assert [row[0].text for row in table.rows] == ["medium over low", "high over medium"]
    assert gather(made_run(arms=("high",))).tiers is None
    assert gather(made_run(scored=False)).tiers is None


def test_flakiness_is_shown_where_items_were_asked_more_than_once(report: ReportData) -> None:
    assert report.flakiness is None
    run = made_run(items=20, arms=("high",))
    again = tuple(
        replace(r, cell=replace(r.cell, id=f"{r.cell.id}-again", epoch=1)) for r in run.made_records
    )
    scores = tuple(
        replace(s, cell_id=f"{s.cell_id}-again", score=replace(s.score, value=1.0))
        for s in run.made_scores
    )
    twice = gather(
        replace(
            run,
            made_suite=replace(run.made_suite, epochs=2),
            made_records=(*run.made_records, *again),
            made_scores=(*run.made_scores, *scores),
        )
    )
    assert twice.flakiness is not None
    assert [table.caption for table in twice.flakiness.tables] == [
        "Several tries",
        "Items that flip",
    ]
    first, *others = twice.flakiness.tables[0].rows
    assert (first[0].text, first[1].text) == ("high", "20")
    assert others
    assert all(row[0].text == row[2].text == "" for row in others), "an arm's share stands once"


def test_one_arm_is_compared_with_nothing() -> None:
    sentence = gather(made_run(arms=("high",))).verdict.sentence
    assert sentence.startswith("high answers")
    assert sentence.endswith(" each.")


def test_graded_answers_are_scored_and_not_called_right() -> None:
    report = gather(scored(made_run(), low=0.4, medium=0.5, high=0.9))
    assert "high scores" in report.verdict.sentence
    assert "right" not in report.verdict.sentence
    assert "Mean score" in [column.label for column in report.leaderboard[0].columns]


def test_few_graded_answers_get_their_column_but_not_the_headline() -> None:
    run = made_run()
    first, *others = run.made_scores
    partly = replace(first, score=replace(first.score, value=0.5))
    report = gather(replace(run, made_scores=(partly, *others)))
    assert "% right" in report.verdict.sentence
    assert "Mean score" in [column.label for column in report.leaderboard[0].columns]


def test_an_incomplete_run_says_so() -> None:
    report = gather(made_run(unfinished=60))
    assert report.verdict.sentence.startswith("So far, ")
    assert any("incomplete: 300 of 360" in caveat for caveat in report.verdict.caveats)


def test_a_run_without_a_record_is_a_page_too() -> None:
    report = gather(made_run(items=2, unfinished=6))
    assert report.verdict.sentence == "No request has its result yet."
    assert report.samples_note == "No sample has its result yet."
    assert not report.charts
    assert not report.lapses


def test_a_run_without_rules_measures_speed_and_cost_only() -> None:
    report = gather(made_run(scored=False))
    assert "none was judged" in report.verdict.sentence
    assert "Unscored" not in [group.label for group in report.lapses]
    assert [chart.id for chart in report.charts] == ["ttft", "e2e", "tokens"]


def test_an_unknown_price_is_an_unknown_cost_and_no_zero() -> None:
    report = gather(made_run(priced=False))
    assert set(cells(report.leaderboard[0], "Cost").values()) == {"unknown"}
    assert "cost" not in [chart.id for chart in report.charts]
    assert "cost" not in report.verdict.sentence


def test_a_simulated_run_is_called_so_first() -> None:
    assert gather(made_run()).title.startswith("SIMULATED: ")
    live = gather(made_run(mode=Mode.LIVE))
    assert live.mode == "LIVE"
    assert "SIMULATED" not in live.title
    assert not any("simulator" in caveat for caveat in live.verdict.caveats)


def test_a_replay_is_called_so_and_no_arm_is_called_faster() -> None:
    run = made_run(mode=Mode.REPLAY)
    cassette = CassetteInfo("c.jsonl", "0" * 64, Mode.SIMULATED, 0.0, "hash")
    report = gather(replace(run, run_info=replace(run.run_info, cassette=cassette)))
    assert report.title.startswith("REPLAY: ")
    assert "1970-01-01" in report.mode_sentence
    assert "simulator" in report.mode_sentence
    assert report.leaderboard[1].caption == "Speed, as it was recorded"
    titles = [chart.title for chart in report.charts]
    assert "Time to the first token, as it was recorded" in titles
    assert "Quality against latency" not in titles
    assert any("cassette" in caveat for caveat in report.verdict.caveats)
    assert any(fact.label == "Cassette" for fact in report.provenance)


def test_arms_stand_best_first_and_keep_their_colours(report: ReportData) -> None:
    table = report.leaderboard[0]
    assert [row[0].text for row in table.rows] == ["high", "medium", "low"]
    assert [row[0].colour for row in table.rows] == ["s2", "s1", "s0"]


def test_percentiles_without_the_data_to_hold_them_are_too_small() -> None:
    (high,) = gather(made_run(items=40, arms=("high",))).leaderboard[1].rows
    assert [cell.text == "n too small" for cell in high[1:4]] == [False, True, True]


def test_without_a_right_answer_there_is_no_price_of_one() -> None:
    made = gather(scored(made_run(items=24), low=0.0, medium=0.0, high=1.0))
    prices = cells(made.leaderboard[0], "Cost per correct")
    assert prices["low"] == prices["medium"] == "none right"
    assert prices["high"].startswith("$")


def counting(run: MadeRun, **usage: int) -> MadeRun:
    """Every answer's token counts changed."""

    def change(record: Record) -> Record:
        (attempt,) = record.attempts
        result = attempt.exchange.result
        if not isinstance(result, Response):
            return record
        changed = replace(result, usage=replace(result.usage, **usage))
        exchange = replace(attempt.exchange, result=changed)
        return replace(record, attempts=(replace(attempt, exchange=exchange),))

    return replace(run, made_records=tuple(map(change, run.made_records)))


def test_the_token_chart_has_the_leaderboards_total(report: ReportData) -> None:
    chart = next(chart for chart in report.charts if chart.id == "tokens")
    assert [key.name for key in chart.legend] == ["reasoning", "answer"]
    assert cells(chart.table, "Output") == cells(report.leaderboard[2], "Output")


def test_a_token_without_text_is_a_part_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepeval.analysis.rows._answer_tokens", lambda _: 9)
    made = gather(counting(made_run(items=6), output_tokens=50, reasoning_tokens=40))
    chart = next(chart for chart in made.charts if chart.id == "tokens")
    assert [key.name for key in chart.legend] == ["reasoning", "answer", "other"]
    assert set(cells(chart.table, "Other").values()) == {"1"}
    assert set(cells(chart.table, "Output").values()) == {"50"}
    assert cells(chart.table, "Output") == cells(made.leaderboard[2], "Output")


@pytest.mark.parametrize(
    ("answer", "explanation", "unsaid"),
    [
        ("11", "answered '11', wanted '9'", None),
        ("3", "3 words, fewer than 12", None),
        ("a", "was so so", "a"),
        ("11", None, "11"),
        ("", "was so so", ""),
        (None, "the answer holds no number", None),
    ],
)
def test_an_answer_is_said_once(
    answer: str | None, explanation: str | None, unsaid: str | None
) -> None:
    assert unsaid_answer(Score("s", 0.0, answer, explanation)) == unsaid


def test_few_samples_are_called_samples() -> None:
    caveats = gather(made_run(items=6, arms=("high",))).verdict.caveats
    assert any(c.startswith("With ") and " judged samples in an arm" in c for c in caveats)


def test_outcomes_add_up_to_the_answers(report: ReportData) -> None:
    outcomes = [c.label for c in report.leaderboard[0].columns].index("Outcomes")
    for row in report.leaderboard[0].rows:
        numbers = [int(part.split()[0]) for part in row[outcomes].note.split(", ")]
        assert sum(numbers) == 120
        assert sum(float(s.length) for s in row[outcomes].slices) == pytest.approx(100, abs=0.1)


def test_the_wire_table_shows_what_was_sent(report: ReportData) -> None:
    assert cells(report.wire, "reasoning_effort") == {
        "low": '"low"',
        "medium": '"medium"',
        "high": '"high"',
    }


def test_lapses_stand_worst_first_and_count_every_one(report: ReportData) -> None:
    labels = [group.label for group in report.lapses]
    assert labels == ["Failed", "No answer", "Filtered", "Incorrect"]
    for group in report.lapses:
        assert int(group.count) == len(group.lapses)
        assert all(lapse.trace_id for lapse in group.lapses)
    assert "429" in report.lapses[0].lapses[0].reason


def test_a_long_list_of_lapses_is_cut_with_a_note() -> None:
    report = gather(scored(made_run(items=300, arms=("low",)), low=0.0))
    incorrect = report.lapses[-1]
    assert len(incorrect.lapses) == MOST_LISTED
    assert f"first {MOST_LISTED} of " in incorrect.note


def test_samples_that_went_wrong_come_first(report: ReportData) -> None:
    worst = [{answer.outcome for answer in sample.answers} for sample in report.samples]
    is_bad = [bool(outcomes - {Outcome.CORRECT.value}) for outcomes in worst]
    assert is_bad == sorted(is_bad, reverse=True)
    assert "failed" in worst[0]


def test_every_lapse_leads_to_its_sample(report: ReportData) -> None:
    anchors = {sample.anchor: sample.id for sample in report.samples}
    for group in report.lapses:
        for lapse in group.lapses:
            assert anchors[lapse.anchor] == lapse.sample


def test_a_shared_prompt_is_shown_once_and_a_different_one_with_its_answer() -> None:
    run = made_run(items=1)
    assert [p.label for p in gather(run).samples[0].prompt] == ["system", "user"]
    first, *others = run.made_records
    (attempt,) = first.attempts
    body = {"messages": [{"role": "user", "content": "other"}]}
    exchange = replace(attempt.exchange, body=json.dumps(body))
    changed = replace(first, attempts=(replace(attempt, exchange=exchange),))
    (sample,) = gather(replace(run, made_records=(changed, *others))).samples
    assert sample.prompt == ()
    assert [len(answer.prompt) for answer in sample.answers] == [1, 2, 2]


def test_a_long_text_is_cut_with_a_note() -> None:
    run = rewritten(made_run(items=1, arms=("high",)), "x" * 50_000)
    (answer,) = gather(run).samples[0].answers
    said = answer.passages[-1]
    assert len(said.text) == MOST_CHARACTERS
    assert said.note == "The first 20,000 of 50,000 characters are shown."


def test_the_texts_of_a_page_are_bounded_and_the_page_says_so() -> None:
    run = rewritten(made_run(items=400, arms=("high",)), "x" * 30_000)
    report = gather(run)
    text = sum(len(p.text) for s in report.samples for a in s.answers for p in a.passages)
    assert 0 < text < samples._MOST_TEXT
    assert report.samples_note.startswith(f"The first {len(report.samples)} of 400 samples")


def test_choices_of_one_response_are_answers_of_their_own() -> None:
    run = made_run(items=1, arms=("high",))
    (record,) = run.made_records
    (attempt,) = record.attempts
    result = attempt.exchange.result
    assert isinstance(result, Response)
    two = replace(result, choices=(Choice(0, "one"), Choice(1, "two")))
    exchange = replace(attempt.exchange, result=two)
    both = replace(record, attempts=(replace(attempt, exchange=exchange),))
    (sample,) = gather(replace(run, made_records=(both,))).samples
    assert [answer.arm for answer in sample.answers] == ["high", "high, choice 2"]
    assert [answer.passages[-1].text for answer in sample.answers] == ["one", "two"]


def test_prices_of_two_currencies_are_not_added_or_drawn_together() -> None:
    run = made_run(arms=("low", "high"))
    low, high = run.made_suite.arms
    arms = (low, replace(high, model="other"))
    prices = {**run.made_suite.prices, "other": Price("CNY", 1.35, 0.27, 8.1)}
    suite = replace(run.made_suite, arms=arms, prices=prices)
    report = gather(replace(run, made_suite=suite))
    assert [fact.value[0] for fact in report.facts if fact.label == "Cost"] == ["$", "¥"]
    assert "cost" not in [chart.id for chart in report.charts]
    assert "its cost" not in report.verdict.sentence


def test_breakdowns_cover_the_metadata_fields(report: ReportData) -> None:
    by_kind, by_difficulty = report.breakdowns
    assert [row[0].text for row in by_kind.rows] == ["arithmetic", "extraction", "logic"]
    assert next(row[0].text for row in by_difficulty.rows) == "0 to 0.25"


def test_few_numbers_keep_their_values() -> None:
    assert value_labels({"a": 2, "b": 1, "c": 10}) == {"b": "1", "a": "2", "c": "10"}


@pytest.mark.parametrize(
    ("body", "label", "text"),
    [
        ("not json", "request body", "not json"),
        ("[]", "request body", "[]"),
        ('{"messages": 3}', "request body", '{"messages": 3}'),
        ('{"messages": [7]}', "message", "7"),
        ('{"messages": [{"role": "user", "content": null}]}', "user", ""),
        ('{"messages": [{"content": [{"type": "text", "text": "a"}]}]}', "message", "a"),
    ],
)
def test_any_request_body_is_shown(body: str, label: str, text: str) -> None:
    (passage,) = prompt_passages(body)
    assert (passage.label, passage.text) == (label, text)


def test_an_image_in_a_prompt_is_named_and_not_embedded() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    body = json.dumps({"messages": [{"role": "user", "content": [part]}], "tools": [{"a": 1}]})
    image, tools = prompt_passages(body)
    assert image.text.startswith('{ "type": "image_url"')
    assert len(image.text) < 200
    assert tools.folded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "$0.00"),
        (0.0000805681, "$0.0000806"),
        (99999.5, "$99,999.50"),
        (0.00178, "$0.00178"),
        (1.5, "$1.50"),
    ],
)
def test_money_keeps_the_digits_that_count(value: float, text: str) -> None:
    assert wording.money(value, "USD") == text


def test_money_names_a_currency_without_a_sign() -> None:
    assert wording.money(1234.5, "CHF") == "1,234.50 CHF"


@pytest.mark.parametrize(
    ("value", "text"), [(None, "unknown"), (3.25, "3.2 ms"), (999.4, "999 ms"), (61_234, "61.2 s")]
)
def test_times_are_said_in_the_unit_that_fits(value: float | None, text: str) -> None:
    assert wording.milliseconds(value) == text


def test_a_thousand_samples_take_less_time_than_a_reader_notices() -> None:
    run = made_run(items=1000)
    start = time.process_time()
    gather(run)
    assert time.process_time() - start < 30  # about one second; this only catches the quadratic


def test_an_incomplete_run_says_why_it_stopped() -> None:
    run = made_run(unfinished=5)
    said = gather(run, "the budget of 5 USD is spent: 4.98 USD spent").verdict.caveats
    assert any(
        caveat.endswith("It stopped because the budget of 5 USD is spent: 4.98 USD spent.")
        for caveat in said
    )
    assert not any("It stopped because" in caveat for caveat in gather(run).verdict.caveats)
