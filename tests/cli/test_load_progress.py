"""What a benchmark tells while it goes on."""

import time

import pytest

from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.job import Order, Pulse
from stepeval.cli.load_progress import LoadProgress
from stepeval.core.chat import Choice, Exchange, Failure, FailureKind, Response, Timing, Usage
from stepeval.core.load import Trial, Verdict
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Arm, Cell, Prompt, Provider, Sample, Suite

ARM, SAMPLE = Arm("a", "p", "step-3.7-flash", "q"), Sample("s", "x")
SUITE = Suite("s", (Provider("p", "http://127.0.0.1"),), (Prompt("q", ()),), (SAMPLE,), (ARM,))
ANSWER = Response("1", "m", (Choice(0, "x"),), Usage(1000, 1000), Timing(0, 0, 0, 0))


def attempt(result: Response | Failure) -> Attempt:
    return Attempt(1, 0.0, 0, 0, Exchange("", "", result))


def begun(ask: LoadAsk, *, quiet: bool = False) -> LoadProgress:
    progress = LoadProgress(quiet=quiet)
    progress.begin(SUITE, Mode.SIMULATED, plan_load(ask))
    return progress


def test_a_line_says_which_phase_how_far_and_what_it_cost() -> None:
    progress = begun(LoadAsk(sweep="1,2", requests=9))
    progress.phase_began(Order(0, 0, 1, 0, 0), phases=2)
    cell = Cell("c", ARM, SAMPLE)
    progress.attempted(cell, attempt(ANSWER), final=True)
    progress.attempted(cell, attempt(Failure(FailureKind.SERVER, "no")), final=True)
    progress.attempted(cell, attempt(Failure(FailureKind.SERVER, "no")), final=False)
    line = progress.line()
    for part in ("phase 1/2", "1 in flight", "2/10 ended", "1 failed", "1 retried", "USD", "left"):
        assert part in line
    progress.phase_began(Order(1, 0, 2, 0, 0), phases=2)
    assert "phase 2/2  2 in flight  0/11 ended" in progress.line()


def test_a_search_says_what_each_load_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    progress = begun(LoadAsk(find_rate="5:9", slo=("ttft=1s",)))
    progress.phase_began(Order(0, 0, 5, 0, 0), phases=None)
    assert progress.line().startswith("phase 1  5/s")
    progress.judged(Trial(5, Verdict.UNCLEAR, 0.96, 100, 0.99), goes_on=True)
    progress.judged(Trial(5, Verdict.BROKEN, 1.0, 200, 0.885), goes_on=False)
    progress.judged(Trial(5, Verdict.UNCLEAR), goes_on=False)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "5/s: unclear, 96.0% within the objectives (n = 100); once more"
    assert said[1].endswith(
        "broken, 100.0% within the objectives (n = 200), 88.5% of the rate answered"
    )
    assert "nothing was measured" in said[2]


def test_what_is_under_way_is_told_while_nothing_is_answered(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A screen that stands still looks like a program that does."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "monotonic_ns", lambda: int(now[0] * 1e9))
    progress = begun(LoadAsk(rate=5, requests=9))
    progress.under_way(Pulse(1))
    progress.phase_began(Order(0, 0, 5, 0, 0), phases=1)
    now[0] = 104.0
    progress.under_way(Pulse(7, int(101.5e9)))
    assert capsys.readouterr().err == "", "a log gets a line every five seconds"
    now[0] = 106.0
    progress.under_way(Pulse(8, int(101.5e9)))
    progress.under_way(Pulse(8, int(101.5e9)))
    (line,) = capsys.readouterr().err.splitlines()
    assert "8 in flight, the oldest for 4.5 s" in line
    assert "waiting" not in line
    now[0] = 200.0
    progress.under_way(Pulse(2, int(101.5e9), draining=True))
    assert "waiting for the last answers: 2 in flight, the oldest for 1 min 38 s" in progress.line()


def test_what_is_for_a_script_is_not_disturbed(capsys: pytest.CaptureFixture[str]) -> None:
    with begun(LoadAsk(find_rate="5:9", slo=("ttft=1s",)), quiet=True) as progress:
        progress.phase_began(Order(0, 0, 5, 0, 0), phases=None)
        progress.attempted(Cell("c", ARM, SAMPLE), attempt(ANSWER), final=True)
        progress.judged(Trial(5, Verdict.KEPT, 1.0, 100), goes_on=False)
        progress.under_way(Pulse(8))
    assert capsys.readouterr() == ("", "")
