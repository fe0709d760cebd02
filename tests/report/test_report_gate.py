"""The page of a run that was told to decide something: the verdict, how it came to be, no more."""

from dataclasses import replace
from html import escape

import pytest
from gate_runs import gated_run, look, raced_run
from hostile import PAYLOADS, all_of
from report_runs import made_run

from stepeval.analysis.looks import Decision, Stage
from stepeval.core.gate import Way
from stepeval.report.canvas import ChartText
from stepeval.report.content import gather
from stepeval.report.gate_chart import statistics_chart
from stepeval.report.page import render_page


def texts(table: object) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]  # type: ignore[attr-defined]  # any table


def test_a_plain_run_has_no_gate() -> None:
    report = gather(made_run(items=20))
    assert report.gate is None
    assert 'id="gate"' not in render_page(report)


def test_the_verdict_is_the_headline_and_the_looks_are_charted() -> None:
    report = gather(gated_run())
    assert report.gate is not None
    assert report.verdict.sentence == report.gate.sentence
    assert report.gate.sentence.startswith(
        "REGRESSED against baseline main: a drop was seen after 40"
    )
    titles = [chart.title for chart in report.gate.charts]
    assert titles == [
        "Against the baseline: statistics and bounds",
        "Against the baseline: repeated intervals",
        "Both prompts asked anew: statistics and bounds",
        "Both prompts asked anew: repeated intervals",
    ]
    (looks,) = report.gate.tables
    assert [row[0] for row in texts(looks)] == ["look 1", "look 2", "confirmation 1"]
    assert texts(looks)[1][3] == "-10.0 (-17.0 to -2.0)"
    said = " ".join(report.gate.notes)
    assert "canary: the baseline's own prompt, asked again on 5 items" in said
    assert "baseline main is 40 days older than the run" in said


def test_a_stopped_run_shows_no_naive_interval_and_counts_what_it_skipped() -> None:
    report = gather(gated_run())
    quality = report.leaderboard[0]
    (row,) = quality.rows
    assert row[0].text == "low", "what only confirms is no arm of the leaderboard"
    shares = [cell for cell in row if "%" in cell.text and cell.bar is not None]
    assert shares
    assert all(not cell.bar.span for cell in shares if cell.bar)
    assert any("could stop at each look" in caveat for caveat in report.verdict.caveats)
    assert "interval" not in " ".join(column.help for column in quality.columns)
    assert report.breakdowns, "the samples are of several kinds"
    for table in report.breakdowns:
        for _, _, *parts in table.rows:
            assert all("to" not in cell.note and not (cell.bar and cell.bar.span) for cell in parts)
    assert not any("incomplete" in c for c in report.verdict.caveats)
    page = render_page(report)
    assert "20 skipped" in page
    assert page.count("low (confirmation)") == 1, "in the wire proof alone"


def test_the_headline_is_not_said_twice() -> None:
    report = gather(gated_run())
    assert render_page(report).count(escape(report.verdict.sentence)) == 1


def test_statistics_are_drawn_from_0_however_high_all_of_them_are() -> None:
    looks = [replace(look(Stage.FIRST, n, 20 + n, 2.0, Decision.GO_ON), safe=1.9) for n in (0, 20)]
    assert ">0.0<" in statistics_chart(looks, ChartText("x", "Looks", "Statistics"))


def test_a_whole_run_has_its_metrics_in_a_table() -> None:
    report = gather(gated_run(Way.FIXED))
    assert report.gate is not None
    (table,) = report.gate.tables
    ((_, metric, verdict, *_),) = texts(table)
    assert (metric, verdict) == ("score", "regressed")
    assert report.gate.charts == ()
    assert "low, what changed: model: older -> step-3.7-flash" in " ".join(report.gate.notes)


def test_a_race_shows_its_rounds_and_who_left() -> None:
    report = gather(raced_run())
    assert report.gate is not None
    assert report.gate.title == "Race"
    assert report.verdict.sentence.startswith("PICK medium: the cheapest arm not shown worse")
    assert report.tiers is None, "paired intervals of arms that left early cover less than they say"
    (chart,) = report.gate.charts
    assert [row[:4] for row in texts(chart.table)] == [
        ["25", "70.0", "90.0", "92.0"],
        ["50", "", "91.0", "92.0"],
    ]
    said = " ".join(report.gate.notes)
    assert "low left after 25 items: shown worse by more than the margin" in said
    assert "still in the race at its end: high" in said
    assert "a difference of 3 points cannot be told on 50 items, only one of 8.0" in said


@pytest.mark.parametrize("made", [gated_run, raced_run])
def test_hostile_names_stay_text(made: object) -> None:
    page = render_page(gather(made(text=all_of)))  # type: ignore[operator]  # one of the two above
    plain = render_page(gather(made()))  # type: ignore[operator]  # one of the two above
    for tag in ("<script", "<img", "<iframe", "<form", "<base"):
        assert tag not in page
    assert page.count("<section") == plain.count("<section")
    assert PAYLOADS


def test_a_run_under_way_says_so() -> None:
    run = gated_run()
    begun = type(run)(
        **{**{f: getattr(run, f) for f in run.__dataclass_fields__}, "made_looks": ()}
    )
    report = gather(begun)
    assert report.gate is not None
    assert "NO VERDICT yet against baseline main" in report.gate.sentence
    assert any("incomplete" in caveat for caveat in report.verdict.caveats)
