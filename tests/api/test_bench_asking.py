"""What is asked for becomes a plan, or one sentence that says what to write instead."""

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from stepeval.api.bench.asking import LoadAsk, plan_load
from stepeval.api.bench.job import together
from stepeval.api.bench.trace import recorded_arrivals
from stepeval.core.errors import UsageError
from stepeval.core.load import Health, Objective, Shape
from stepeval.execution.executor import Execution
from stepeval.execution.measure import Measured
from stepeval.execution.pacing import ClosedLoop, OpenLoop


@pytest.mark.parametrize(
    ("ask", "shape", "loads"),
    [
        (LoadAsk(), Shape.CLOSED, (8,)),
        (LoadAsk(concurrency=3), Shape.CLOSED, (3,)),
        (LoadAsk(sweep="1,2,4"), Shape.CLOSED, (1, 2, 4)),
        (LoadAsk(rate=5), Shape.CONSTANT, (5,)),
        (LoadAsk(rate=5, arrivals="poisson"), Shape.POISSON, (5,)),
        (LoadAsk(rate=5, arrivals="gamma", burstiness=0.5), Shape.GAMMA, (5,)),
        (LoadAsk(sweep="0.5,2", arrivals="poisson"), Shape.POISSON, (0.5, 2)),
        (LoadAsk(ramp="0:50", duration="10s"), Shape.RAMP, (50,)),
        (LoadAsk(trace=(0, 5)), Shape.REPLAY, (1,)),
        (LoadAsk(find_rate="1:9", slo=("ttft=1s",)), Shape.CONSTANT, ()),
    ],
)
def test_each_kind_of_load_can_be_asked_for(
    ask: LoadAsk, shape: Shape, loads: tuple[float, ...]
) -> None:
    plan = plan_load(ask).plan
    assert (plan.shape, plan.loads) == (shape, loads)
    assert plan.search == (ask.find_rate is not None)


@pytest.mark.parametrize("rate", [1_000_000.0, 0.00005, 123.45678])
def test_a_rate_is_taken_as_it_was_given(rate: float) -> None:
    """Once it went through a text of six digits."""
    assert plan_load(LoadAsk(rate=rate)).plan.loads == (rate,)


@pytest.mark.parametrize("burstiness", [0.01, 1000.0])
def test_burstiness_at_its_bounds_still_gives_arrivals(burstiness: float) -> None:
    pace = plan_load(LoadAsk(rate=5, arrivals="gamma", burstiness=burstiness))
    pacing = pace.pacing(5, 0, 0)
    assert isinstance(pacing, OpenLoop)
    offsets = list(islice(pacing.offsets(), 1000))
    assert offsets == sorted(offsets)
    assert offsets[-1] > 0


def test_bounds_are_requests_or_time_and_some_by_default() -> None:
    assert plan_load(LoadAsk()).plan.requests == 100
    assert plan_load(LoadAsk(concurrency=300)).plan.requests == 600
    assert plan_load(LoadAsk(duration="2m")).plan.duration_s == 120
    assert plan_load(LoadAsk(trace=(0, 5))).plan.requests is None


def test_a_closed_loop_warms_up_each_of_its_places_and_a_rate_for_a_while() -> None:
    assert plan_load(LoadAsk()).bounds(8).warm_requests == 8
    assert plan_load(LoadAsk(rate=5)).bounds(5).warm_ns == 2_000_000_000
    assert plan_load(LoadAsk(rate=5, warmup="7")).bounds(5).warm_requests == 7
    assert plan_load(LoadAsk(warmup="500ms")).bounds(8).warm_ns == 500_000_000
    assert plan_load(LoadAsk(warmup="0")).bounds(8).warm_requests == 0


def test_objectives_are_in_milliseconds_and_may_stand_together() -> None:
    plan = plan_load(LoadAsk(slo=("ttft=500ms,e2e=5s", "response=1m"))).plan
    assert plan.objectives == (
        Objective("ttft", 500),
        Objective("e2e", 5000),
        Objective("response", 60_000),
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rate": 5, "concurrency": 3}, "--concurrency and --rate"),
        ({"sweep": "1,2", "ramp": "1:5"}, "leave one out"),
        ({"sweep": "1,x"}, "'x' is no number above 0"),
        ({"sweep": "1,1"}, "--repeats"),
        ({"sweep": "1.5"}, "--arrivals constant"),
        ({"rate": -1}, "above 0"),
        ({"rate": float("nan")}, "above 0"),
        ({"rate": float("inf")}, "at most 1,000,000"),
        ({"rate": 1_000_001.0}, "at most 1,000,000"),
        ({"rate": 1e-300}, "at least 1e-09"),
        ({"sweep": "1,2000000", "arrivals": "poisson"}, "at most 1,000,000"),
        *(
            ({"rate": 5, "arrivals": "gamma", "burstiness": value}, "from 0.01 to 1,000")
            for value in (float("nan"), float("inf"), 0.0, -2.0, 1e-300, 1001.0)
        ),
        *(
            ({"trace": (0, 5), "replay_speed": value}, "from 0.001 to 1,000")
            for value in (float("nan"), float("inf"), 0.0, -1.0, 1e300)
        ),
        ({"trace": (0, 10**18)}, "--replay-unit ms"),
        ({"rate": 5, "burstiness": 2}, "--arrivals gamma"),
        ({"rate": 5, "arrivals": "gamma"}, "--burstiness"),
        ({"concurrency": 5, "arrivals": "poisson"}, "--rate"),
        ({"ramp": "1:5"}, "--duration"),
        ({"ramp": "5", "duration": "5s"}, "FROM:TO"),
        ({"ramp": "1:5", "duration": "5s", "warmup": "5"}, "is a time"),
        ({"find_rate": "1:5"}, "--slo"),
        ({"find_rate": "5:1", "slo": ("ttft=1s",)}, "lower rate comes first"),
        ({"duration": "5"}, "500ms, 5s or 2m"),
        ({"duration": "0s"}, "more than 0"),
        ({"duration": "5s", "requests": 5}, "leave one out"),
        ({"slo": ("tttf=5s",)}, "did you mean 'ttft'"),
        ({"slo": ("ttft",)}, "METRIC=TIME"),
        ({"slo": ("ttft=1s", "ttft=2s")}, "already"),
        ({"replay_speed": 2.0}, "--replay"),
        ({"concurrency": 20, "requests": 5}, "ask for 20 or more"),
        ({"workers": 9}, "--workers 9"),
        ({"concurrency": 30_000}, "20,000"),
        ({"warmup": "x"}, "--warmup"),
    ],
)
def test_what_does_not_fit_is_told_in_one_sentence(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        plan_load(replace(LoadAsk(), **wrong))
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_every_process_has_the_same_schedule_and_every_phase_its_own() -> None:
    def arrivals(seed: int, number: int, repeat: int) -> list[int]:
        pace = plan_load(LoadAsk(rate=5, arrivals="poisson", seed=seed))
        pacing = pace.pacing(5, number, repeat)
        assert isinstance(pacing, OpenLoop)
        return list(islice(pacing.offsets(), 20))

    assert arrivals(1, 0, 0) == arrivals(1, 0, 0)
    assert len({tuple(arrivals(*key)) for key in ((1, 0, 0), (1, 1, 0), (1, 0, 1), (2, 0, 0))}) == 4
    assert plan_load(LoadAsk()).pacing(8, 0, 0) == ClosedLoop(8)


def test_what_is_known_beforehand_of_the_number_of_requests() -> None:
    assert plan_load(LoadAsk(concurrency=4, requests=50)).requests(4) == 54
    assert plan_load(LoadAsk(concurrency=4, duration="5s")).requests(4) is None
    assert plan_load(LoadAsk(rate=10, duration="5s")).requests(10) == 70
    assert plan_load(LoadAsk(ramp="0:10", duration="10s")).requests(10) == 50
    assert plan_load(LoadAsk(trace=(0, 5))).requests(1) == 2


@pytest.mark.parametrize(
    "text",
    [
        "0.5\n1\n2.5\n",
        "seconds,tokens\n1,7\n0.5,9\n2.5,3\n",
        '{"seconds": 0.5}\n\n{"timestamp": 1000}\n{"arrival_ms": 2500}\n',
        "\ufeffseconds,tokens\n1,7\n0.5,9\n2.5,3\n",
        '\ufeff{"seconds": 0.5}\n{"seconds": 1}\n{"seconds": 2.5}\n',
        '"model","timestamp"\n"a, b","1"\n"a","0.5"\n"line\nbreak","2.5"\n',
        "arrival_ms\n500\n1000\n2500\n",
        "sent_ms,n\n500,1\n1000,1\n2500,1\n",
    ],
)
def test_recorded_arrivals_are_read_from_any_of_the_forms(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace"
    path.write_text(text, "utf-8")
    assert recorded_arrivals(str(path), tmp_path) == (0, 500_000_000, 2_000_000_000)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ('{"seconds": 500}\n{"seconds": 1000}\n', "ms"),
        ("500\n1000\n", "ms"),
        ('{"timestamp": 0.5}\n{"timestamp": 1}\n', "s"),
        ("arrival_ms\n0.5\n1\n", "s"),
    ],
)
def test_a_unit_that_is_said_is_the_one(tmp_path: Path, text: str, unit: str) -> None:
    path = tmp_path / "trace"
    path.write_text(text, "utf-8")
    assert recorded_arrivals(str(path), tmp_path, unit=unit) == (0, 500_000_000)


def test_a_run_knows_its_unit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a run knows its own"):
        recorded_arrivals("latest", tmp_path, unit="ms")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1\nx\n", "trace:2"),
        ("n,seconds\n1\n", "trace:2"),
        ("-1\n2\n", "trace:1"),
        ("1700000000000\n", "replay-unit ms"),
        ('{"seconds": 1}\n[]\n', "trace:2"),
        ('"' + "x" * 200_000 + '"\n', "trace:1"),
        ("1\nnan\n", "trace:2"),
        ('{"when": 1}\n', "trace:1"),
        ("", "no arrival"),
        ("seconds\n", "no arrival"),
    ],
)
def test_a_line_without_an_arrival_is_pointed_at(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "trace"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match=told):
        recorded_arrivals(str(path), tmp_path)


def test_a_phase_of_several_processes_is_from_the_first_measured_to_the_first_ended() -> None:
    health = Health((1,), 0.5, 1.0)
    parts = [
        Measured(10, 90, 95, 40, health, Execution(5, 1)),
        Measured(20, 80, 99, 44, health, Execution(6, 0, "the user asked to stop")),
    ]
    end = together(parts)
    assert (end.steady_ns, end.end_ns, end.drained_ns, end.taken) == (10, 80, 99, 44)
    assert end.health == (health, health)
    assert end.execution == Execution(11, 1, "the user asked to stop")
