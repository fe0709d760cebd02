"""What the page says of a load benchmark, and what it must not say."""

import re
from dataclasses import replace
from typing import Any

import pytest
from load_runs import (
    MS,
    PLAN,
    LoadRun,
    S,
    answered,
    counted,
    failed,
    made_load_run,
    phase,
    right,
    silent,
    stream,
)

from stepeval.core.chat import Choice, Response, Usage
from stepeval.core.load import Health, Objective, Shape
from stepeval.core.record import Record
from stepeval.core.task import ScoringRule
from stepeval.report.content import gather
from stepeval.report.page import render_page
from stepeval.report.view import LoadView, ReportData, Table

LOADS = (5.0, 10.0, 20.0, 30.0, 40.0)


@pytest.fixture(scope="module")
def report() -> ReportData:
    return gather(made_load_run(loads=LOADS, repeats=2))


def load_of(report: ReportData) -> LoadView:
    assert report.load is not None
    return report.load


def column(table: Table, label: str) -> list[str]:
    place = [c.label for c in table.columns].index(label)
    return [row[place].text for row in table.rows]


def labels(table: Table) -> list[str]:
    return [c.label for c in table.columns]


def one_arm(**other: Any) -> ReportData:
    return gather(made_load_run(**{"loads": LOADS, "arms": ("low",), **other}))


def test_the_sentence_is_of_the_highest_load_that_kept_the_objectives() -> None:
    found = one_arm()
    pattern = (
        r"Holds 30 requests/s within TTFT 600 ms \(n = \d+\); the client kept up\. "
        r"At 30 requests/s: TTFT p95 \d+ ms \(\d+ to \d+\), \d\d\.\d% within the objectives\."
    )
    assert re.fullmatch(pattern, found.verdict.sentence), found.verdict.sentence


def test_without_objectives_it_is_of_the_knee_and_promises_nothing() -> None:
    found = one_arm(limit_ms=None)
    assert re.fullmatch(
        r"At 20 requests/s: TTFT p95 .*\); the client kept up\.", found.verdict.sentence
    )
    assert "objective" not in found.verdict.sentence


def test_two_arms_are_told_of_together(report: ReportData) -> None:
    held = r"Held within TTFT 600 ms: low: 30 requests/s \(n = \d+\), high: unclear; "
    there = r"the client kept up\. At 30 requests/s: low has TTFT p95 "
    assert re.match(held + there, report.verdict.sentence), report.verdict.sentence
    assert "; high has TTFT p95 " in report.verdict.sentence
    assert any("all arms together" in caveat for caveat in report.verdict.caveats)


def test_where_n_cannot_hold_p95_the_sentence_says_a_lower_one() -> None:
    due = [phase().steady_ns + n * S // 10 for n in range(60)]
    found = gather(LoadRun(tuple(answered(at, stream(at + MS)) for at in due), (phase(),)))
    assert found.verdict.sentence.startswith("At 5 requests/s: TTFT p90 100 ms")


def test_a_load_at_which_all_failed_has_no_time() -> None:
    run = LoadRun(tuple(failed(phase().steady_ns + n * S) for n in range(3)), (phase(),))
    found = gather(run)
    assert found.verdict.sentence == ("At 5 requests/s all 3 requests failed; no time is measured.")
    assert found.load is not None
    assert render_page(found)


def test_a_run_without_a_measured_load_says_so() -> None:
    found = gather(LoadRun((), ()))
    assert found.verdict.sentence.startswith("No request was measured")
    assert "2 planned loads did not run" in " ".join(found.verdict.caveats)
    assert render_page(found)


def test_a_client_that_was_the_limit_is_stamped_before_anything_is_said() -> None:
    lame = (Health((30_000,) * 1000, 11.9, 12.0),)
    html = render_page(one_arm(loads=(5.0, 20.0), health=lame))
    assert html.index("Client-limited") < html.index('id="verdict"')
    assert "At 20 requests/s: the event loop woke 30.0 ms late at p99; a worker" in html
    assert "client-limited" in html.partition("<h3>Certificate</h3>")[2]


def test_a_client_that_kept_up_is_not_stamped(report: ReportData) -> None:
    assert load_of(report).stamp == ()
    assert set(column(load_of(report).certificate, "Client")) == {"kept up"}
    assert "Client-limited" not in render_page(report)


def test_every_arm_and_load_has_a_row_and_unknown_tails_are_named(report: ReportData) -> None:
    (main,) = load_of(report).main
    assert len(main.rows) == 2 * len(LOADS)
    assert column(main, "TTFT p99") == ["n too small"] * len(main.rows)
    assert column(main, "Failed")[:2] == ["0", "0"]


def test_an_arm_that_is_alone_needs_no_column_and_its_curves_are_its_loads() -> None:
    found = load_of(one_arm())
    assert labels(found.main[0])[0] == "Load"
    (at_each,) = [group for group in found.groups if group.title == "At each load"]
    assert [key.name for key in at_each.charts[0].legend] == [f"{x:g} requests/s" for x in LOADS]


def test_a_closed_loop_shows_nothing_that_needs_a_schedule() -> None:
    found = one_arm(shape=Shape.CLOSED)
    text = render_page(found)
    assert "Response p95" not in text
    assert "Due/s" not in text
    assert any("closed loop" in caveat for caveat in found.verdict.caveats)


def test_the_knee_and_the_objective_are_drawn(report: ReportData) -> None:
    against = load_of(report).groups[0]
    assert [chart.id for chart in against.charts] == ["loadttft", "loadresponse", "loadrate"]
    assert ">knee<" in against.charts[0].svg
    assert ">objective<" in against.charts[0].svg
    assert ">objective<" not in against.charts[1].svg


def test_one_load_is_no_curve() -> None:
    found = load_of(one_arm(loads=(20.0,)))
    assert [group.title for group in found.groups] == ["At 20 requests/s", "Over time"]


def test_repeats_and_cold_prompts_have_tables_where_there_are_any(report: ReportData) -> None:
    captions = [table.caption for table in load_of(report).tables]
    assert captions == [
        "Where the time goes", "Tokens per request", "Cold and warm", "Between repeats",
    ]  # fmt: skip
    alone = load_of(gather(LoadRun((answered(phase().steady_ns, stream(phase().steady_ns)),),
                                   (phase(),))))  # fmt: skip
    assert [table.caption for table in alone.tables] == [
        "Where the time goes", "Tokens per request",
    ]  # fmt: skip
    assert "does not say what of a prompt came from its cache" in alone.lede


def test_answers_cut_before_their_text_are_a_caveat_and_no_failure() -> None:
    """A benchmark sets the length: what thinking used up is no answer's fault."""
    dues = [phase().steady_ns + n * S // 20 for n in range(100)]
    cut = (answered(at, stream(at + MS, words=0)) for at in dues)
    emptied = tuple(_without_text(one) for one in cut)
    found = gather(LoadRun(emptied, (phase(),)))
    assert found.lapses == ()
    assert any("100.0% of the answers ended before any text" in c for c in found.verdict.caveats)


def counted_here(*, told: int = 0, repeats: int = 1) -> ReportData:
    """100 requests a repeat, whose server tells the tokens of the first ``told`` only."""
    ran = tuple(phase(n, begin_s=20.0 * n, repeat=n) for n in range(repeats))
    dues = [one.steady_ns + n * S // 20 for one in ran for n in range(100)]
    records = [
        answered(at, stream(at + MS)) if n % 100 < told else silent(at) for n, at in enumerate(dues)
    ]
    counts = tuple(counted(one) for n, one in enumerate(records) if n % 100 >= told)
    plan = replace(
        PLAN, loads=(5.0,), vocabulary="words sha256:5f0c", objectives=(Objective("tpot", 3.0),)
    )
    return gather(LoadRun(tuple(records), ran, plan, kept_counts=counts))


def test_every_figure_that_rests_on_tokens_counted_here_is_marked() -> None:
    """An estimate never looks like what the server said."""
    found = counted_here(repeats=2)
    view = load_of(found)
    stages, lengths, between = view.tables
    assert column(view.main[0], "Tokens/s")[0].startswith("~")
    assert column(stages, "Per token p50") == ["~2.5 ms"]
    assert column(stages, "First answer p50") == ["120 ms"]
    assert column(lengths, "Input") == ["~50"]
    assert column(lengths, "Output") == ["~20"]
    assert column(lengths, "Counted by") == ["this client"]
    assert column(between, "TPOT p50") == ["~2.5 ms"]
    assert column(between, "TTFT p50") == ["100 ms"]
    (at,) = [group for group in view.groups if group.title == "At 5 requests/s"]
    charts = {chart.id: chart for chart in at.charts}
    assert "this client counted the tokens" in charts["disttpot"].caption
    assert "counted" not in charts["distttft"].caption
    assert column(charts["disttpot"].table, "p50") == ["~2.5 ms"]
    assert column(charts["gaps"].table, "Tokens per chunk") == ["~4.00"]
    assert "any answer: this client counted them with words sha256:5f0c" in view.lede
    assert any("time per token was judged by tokens" in c for c in found.verdict.caveats)
    assert "~ rests on tokens that this client counted" in render_page(found)


def test_counts_of_both_are_told_apart() -> None:
    view = load_of(counted_here(told=40))
    assert column(view.tables[1], "Counted by") == ["the server 40, this client 60"]
    assert "the tokens of 60 of 100 answers: this client" in view.lede


def test_a_vocabulary_that_was_not_needed_leaves_no_mark() -> None:
    found = counted_here(told=100)
    assert "No figure rests on words sha256:5f0c." in load_of(found).lede
    assert column(load_of(found).tables[1], "Output") == ["10"]
    assert "~" not in re.sub(r"<style>.*?</style>", "", render_page(found), flags=re.DOTALL)


def _without_text(record: Record) -> Record:
    (attempt,) = record.attempts
    result = attempt.exchange.result
    assert isinstance(result, Response)
    cut = replace(result, choices=(Choice(0, "", "hm", (), "length"),))
    exchange = replace(attempt.exchange, result=cut)
    return replace(record, attempts=(replace(attempt, exchange=exchange),))


@pytest.mark.parametrize("word", ["right", "correct", "accuracy", "judged", "Leaderboard"])
def test_a_benchmark_without_rules_says_nothing_of_quality(report: ReportData, word: str) -> None:
    text = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", render_page(report), flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", " ", text)
    found = [text[max(0, m.start() - 60) : m.end() + 20] for m in re.finditer(rf"\b{word}", text)]
    assert found == []


def test_a_judged_benchmark_asks_for_right_answers_in_time() -> None:
    dues = [phase().steady_ns + n * S // 20 for n in range(100)]
    records = tuple(answered(at, stream(at + MS)) for at in dues)
    scores = tuple(right(one, float(n % 4 > 0)) for n, one in enumerate(records))
    plan = replace(PLAN, objectives=(Objective("ttft", 150.0),))
    rules = (ScoringRule("right", "exact"),)
    found = gather(LoadRun(records, (phase(),), plan, rules=rules, kept_scores=scores))
    assert found.verdict.sentence.endswith("75.0% right and within the objectives.")
    assert found.leaderboard_title == "Leaderboard"


def test_a_benchmark_of_one_prompt_shows_a_few_of_its_answers() -> None:
    found = one_arm()
    (sample,) = found.samples
    assert {answer.label for answer in sample.answers} == {"failed", "unscored"}
    assert "one answer an arm and outcome" in found.samples_note


def test_equal_runs_give_equal_pages() -> None:
    assert render_page(one_arm(loads=(5.0,))) == render_page(one_arm(loads=(5.0,)))


def test_arrivals_all_at_once_are_drawn_without_a_rate() -> None:
    """Two loads, so that the charts over the loads are drawn as well."""
    ran, kept = [], []
    for number in range(2):
        one = phase(number, 1.0 + number, begin_s=14.0 * number)
        due = one.steady_ns
        health = (Health((30_000,) * 9, 1.0, 1.0),)
        ran.append(replace(one, end_ns=due + 1, drained_ns=due + S, health=health))
        kept += [answered(due, stream(due + MS))] * 50
    run = LoadRun(tuple(kept), tuple(ran), replace(PLAN, shape=Shape.REPLAY))
    page = render_page(gather(run))
    assert "window too short to tell" in page
    assert "too short to tell whether this client kept up" in page
    assert "Answers per second against load" not in page
    assert ",000,000,000" not in page


def test_counts_that_are_not_believed_are_a_caveat() -> None:
    due = phase().steady_ns
    wrong = answered(due, stream(due + MS), usage=Usage(100, 2**52))
    page = render_page(gather(LoadRun((wrong,), (phase(),))))
    assert "told 1 request more tokens than any text could hold" in page


def test_samples_are_folded_where_nothing_is_judged() -> None:
    run = made_load_run(loads=(5.0,), arms=("low",))
    assert "<b>The list</b>" in render_page(gather(run))
    rules = (ScoringRule("right", "exact"),)
    assert "<b>The list</b>" not in render_page(gather(replace(run, rules=rules)))
