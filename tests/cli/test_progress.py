from dataclasses import replace

import pytest

from stepeval.cli.progress import LineProgress, Tally, duration
from stepeval.core.amounts import Money
from stepeval.core.chat import Choice, Exchange, Failure, FailureKind, Response, Timing, Usage
from stepeval.core.record import Attempt, Mode
from stepeval.core.task import Arm, Budget, Cell, Provider, Sample, Suite

PROVIDER = Provider("p", "https://api.stepfun.ai/v1")
PRICED = Arm("a", "p", "step-3.7-flash", "d")
UNPRICED = Arm("b", "p", "mystery", "d")
SUITE = Suite("s", (PROVIDER,), (), (), (PRICED, UNPRICED))


def attempt(result: Response | Failure) -> Attempt:
    return Attempt(1, 0.0, 0, 1, Exchange("u", "{}", result))


def answer(tokens: int) -> Response:
    timing = Timing(None, None, None, None)
    return Response("r", "m", (Choice(0, "x"),), Usage(0, tokens), timing)


def test_spend_counts_every_paid_response_and_says_what_it_cannot_know() -> None:
    tally = Tally(SUITE, Mode.LIVE)
    tally.count(Cell("1", PRICED, Sample("s", "x")), attempt(answer(1_000_000)), final=True)
    assert tally.spend() == "1.1500 USD"
    tally.count(Cell("2", UNPRICED, Sample("s", "x")), attempt(answer(5)), final=True)
    assert tally.spend() == "1.1500 USD + 1 of unknown price"


def test_a_cut_answer_was_paid_for_too() -> None:
    tally = Tally(SUITE, Mode.LIVE)
    cut = Failure(FailureKind.DISCONNECTED, "cut", partial=answer(1_000_000))
    tally.count(Cell("1", PRICED, Sample("s", "x")), attempt(cut), final=False)
    assert tally.spend() == "1.1500 USD"
    assert (tally.done, tally.retries, tally.failed) == (0, 1, 0)


def test_the_rate_of_a_resumed_run_counts_this_session_only() -> None:
    tally = Tally(SUITE, Mode.LIVE)
    listener = LineProgress(tally, quiet=True)
    listener.started(total=10, already_done=8)
    assert tally.rate() == 0
    assert tally.seconds_left() is None
    listener.attempted(Cell("1", PRICED, Sample("s", "x")), attempt(answer(1)), final=True)
    assert tally.line().startswith("9/10")
    assert tally.rate() > 0


def test_what_the_cache_answers_is_in_no_rate_and_costs_nothing() -> None:
    tally = Tally(SUITE, Mode.LIVE, total=10)
    known = Attempt(1, 0.0, 0, 1, Exchange("u", "{}", answer(1_000_000), from_cache=True))
    tally.count(Cell("1", PRICED, Sample("s", "x")), known, final=True)
    assert (tally.done, tally.rate(), tally.seconds_left(), tally.spend()) == (1, 0, None, "0")
    assert "1 from the cache" in tally.line()


def test_a_replay_pays_nobody() -> None:
    tally = Tally(SUITE, Mode.REPLAY)
    tally.count(Cell("1", PRICED, Sample("s", "x")), attempt(answer(1_000_000)), final=True)
    assert (tally.done, tally.spend()) == (1, "0")


def test_of_a_budget_the_line_says_how_much_is_used_earlier_sessions_included() -> None:
    bounded = replace(SUITE, budget=Budget(cost=Money(5, "USD")))
    listener = LineProgress(Tally(bounded, Mode.LIVE), quiet=True)
    listener.watch(lambda: 0.42)  # though this session has not seen an answer
    assert "  0.42 of 5 USD" in listener.tally.line()
    replayed = LineProgress(Tally(bounded, Mode.REPLAY), quiet=True)
    replayed.watch(lambda: 0.42)
    assert replayed.tally.spend() == "0"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (75, "1 min 15 s"), (3725, "1 h 02 min")]
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
