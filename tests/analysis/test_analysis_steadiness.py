"""Latency enters verdicts only where the load was held still."""

from dataclasses import replace

import pytest

from stepeval.analysis.steadiness import latency_fitness
from stepeval.core.limits import LimitChange
from stepeval.core.record import Mode, RunInfo

INFO = RunInfo("r", "s", "h", Mode.LIVE, 1000.0, "host", {}, "stepeval run")


def change(level: float, why: str, kind: str = "concurrency", provider: str = "p") -> LimitChange:
    return LimitChange(1000.0, provider, kind, level, 1.0, why)


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [change(8, "known"), change(400, "known", "requests_per_minute")],
        [change(8, "known"), change(8, "known")],  # resumed
        [change(8, "known"), change(400, "told", "requests_per_minute")],
        [change(8, "known"), change(4, "known", provider="q")],
    ],
    ids=["of an older version", "known", "resumed", "told at the first answer", "two accounts"],
)
def test_a_load_that_stood_still_is_fit(changes: list[LimitChange]) -> None:
    assert latency_fitness(changes, INFO) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ([change(4, "known"), change(64, "grown")], "4 to 64 requests in flight to p"),
        ([change(20, "known"), change(1, "known", "t"), change(9, "refused")], "9 to 20 requests"),
        ([change(4, "known"), change(8, "kept")], "4 to 8"),
        (
            [change(8, "known"), change(400, "refused", "requests_per_minute")],
            "400 requests a minute to p were allowed once one was refused",
        ),
        (
            [change(9e5, "told", "tokens_per_minute"), change(5e5, "told", "tokens_per_minute")],
            "500,000 to 900,000 tokens a minute",
        ),
        (
            [
                change(8, "known"),
                change(4, "known", provider="q"),
                change(5, "grown", provider="q"),
            ],
            "4 to 5 requests in flight to q",
        ),
    ],
)
def test_a_load_that_moved_is_not_and_the_reason_says_what_moved(
    changes: list[LimitChange], said: str
) -> None:
    reason = latency_fitness(changes, INFO)
    assert reason is not None
    assert said in reason
    assert reason.endswith(".")


def test_a_replay_timed_nothing() -> None:
    assert "cassette" in (latency_fitness([], replace(INFO, mode=Mode.REPLAY)) or "")
