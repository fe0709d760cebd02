"""What a benchmark tells while it goes on."""

import pytest

from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.job import Order
from stepeval.cli.load_progress import LoadProgress
from stepeval.core.chat import Choice, Exchange, Failure, FailureKind, Response, Timing, Usage
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
    progress.judged(5, share=0.5, kept=False)
    progress.judged(5, share=None, kept=False)
    said = capsys.readouterr().err
    assert "5/s: 50.0% within the objectives, too few" in said
    assert "nothing was measured" in said


def test_what_is_for_a_script_is_not_disturbed(capsys: pytest.CaptureFixture[str]) -> None:
    with begun(LoadAsk(find_rate="5:9", slo=("ttft=1s",)), quiet=True) as progress:
        progress.phase_began(Order(0, 0, 5, 0, 0), phases=None)
        progress.attempted(Cell("c", ARM, SAMPLE), attempt(ANSWER), final=True)
        progress.judged(5, share=0.5, kept=False)
    assert capsys.readouterr() == ("", "")
