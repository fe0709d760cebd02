"""What will be sent is told before it is, for it may cost money."""

from dataclasses import replace
from pathlib import Path

import pytest

from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.session import BenchStart
from stepeval.cli.load_announcement import announce
from stepeval.core.errors import Problem
from stepeval.core.record import Mode
from stepeval.core.task import Arm, Prompt, Provider, Sample, Suite

SUITE = Suite(
    "s",
    (Provider("p", "https://api.example.com/v1"),),
    (Prompt("q", ()),),
    (Sample("s", "x"),),
    (Arm("a", "p", "m", "q"),),
)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (LoadAsk(sweep="1,4", requests=10), ("1, 4 in flight", "about 25 requests in all")),
        (LoadAsk(rate=5, requests=9, repeats=2), ("constant arrivals, 5/s", "about 38 requests")),
        (LoadAsk(duration="5s", repeats=3), ("8 in flight", "5 s a load x 3 repeats")),
        (LoadAsk(ramp="1:3", duration="10s"), ("a ramp from 1 to 3/s", "about 20 requests")),
        (
            LoadAsk(trace=(0, 90_500_000_000), replay_speed=2),
            ("2 recorded arrivals over 90.5 s at 2 x", "about 2 requests"),
        ),
        (LoadAsk(find_rate="1:9", slo=("e2e=1s",)), ("from 1 to 9/s", "100 requests a load")),
    ],
)
def test_load_and_amount_are_told(
    ask: LoadAsk, told: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    warning = Problem("arm 'a' does not stream")
    start = BenchStart(Path("runs/r"), SUITE, Mode.LIVE, plan_load(ask), (warning,))
    announce(start, retries=0)
    said = capsys.readouterr().err
    for part in (*told, "LIVE", "runs/r", "https://api.example.com/v1", "warning: arm 'a'"):
        assert part in said
    announce(replace(start, mode=Mode.SIMULATED), retries=0)
    assert "https" not in capsys.readouterr().err
    announce(start, retries=2)
    assert "each up to 3 times" in capsys.readouterr().err
