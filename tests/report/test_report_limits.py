"""The chart of what a run was allowed: what it shows, and when there is none."""

from dataclasses import replace

import pytest
from report_runs import made_run

from stepeval.core.chat import Failure, FailureKind
from stepeval.core.limits import LimitChange
from stepeval.core.record import Record
from stepeval.report.content import gather
from stepeval.report.limits_figures import limits_figures

RUN = made_run(items=40)
BEGIN = min(record.attempts[0].started_at for record in RUN.made_records)


def change(at: float, level: float, why: str, kind: str = "concurrency") -> LimitChange:
    return LimitChange(BEGIN + at, "stepfun", kind, level, 3.0, why)


def test_a_run_without_known_limits_has_no_chart() -> None:
    assert list(limits_figures(RUN)) == []
    strange = replace(RUN, made_changes=(replace(change(0, 4, "known"), provider="nobody"),))
    assert list(limits_figures(strange)) == []


def test_it_says_what_was_allowed_used_and_refused() -> None:
    first, *rest = RUN.made_records
    refused = Failure(FailureKind.RATE_LIMIT, "too many", 429)
    attempt = first.attempts[0]
    tries = (replace(attempt, exchange=replace(attempt.exchange, result=refused)), attempt)
    changes = (change(0, 4, "known"), change(1, 20, "refused"), change(1, 400, "told", "odd"))
    records = (Record(first.cell, tries), *rest)
    run = replace(RUN, made_records=records, made_changes=changes)
    (chart,) = limits_figures(run)
    attempts = sum(len(record.attempts) for record in records)
    assert f"2 of {attempts} attempts" in chart.caption  # one of them was made with the run
    assert "compare none of them" in chart.caption
    assert [row[2].text for row in chart.table.rows] == ["4", "20", "400"]
    assert [row[1].text for row in chart.table.rows][-1] == "odd"
    assert chart.svg.count("<svg") == 1


@pytest.mark.parametrize("count", [1, 500])
def test_a_long_history_is_cut_and_says_so(count: int) -> None:
    changes = tuple(change(number / 100, 4 + number, "grown") for number in range(count))
    (chart,) = limits_figures(replace(RUN, made_changes=changes))
    assert len(chart.table.rows) == min(count, 60)
    assert ("440 later changes" in chart.table.caption) is (count == 500)


def test_times_under_a_load_that_changed_are_labelled_and_decide_nothing() -> None:
    still = gather(replace(RUN, made_changes=(change(0, 4, "known"), change(9, 4, "kept"))))
    moved = gather(replace(RUN, made_changes=(change(0, 4, "known"), change(1, 9, "grown"))))
    assert "Quality against latency" in {chart.title for chart in still.charts}
    assert "Quality against latency" not in {chart.title for chart in moved.charts}
    assert not any("load changed" in caveat for caveat in still.verdict.caveats)
    assert any("4 to 9 requests in flight to stepfun" in said for said in moved.verdict.caveats)
    assert [table.caption for table in moved.leaderboard if "Speed" in table.caption] == [
        "Speed, under a load that changed: for no verdict"
    ]
    assert "compare none" not in next(c for c in still.charts if c.id == "limits0").caption
