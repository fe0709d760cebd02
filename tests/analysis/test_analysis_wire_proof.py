import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from stepeval.analysis.wire_proof import wire_proof
from stepeval.core.baseline import Baseline
from stepeval.core.chat import Choice, Exchange, JsonObject, Response, Timing, Usage
from stepeval.core.limits import LimitChange
from stepeval.core.load import Phase
from stepeval.core.record import Attempt, Mode, Record, RunInfo, ScoreRow, TokenCount
from stepeval.core.task import Arm, Cell, Sample, Suite

LOW = Arm("low", "p", "m", "q", {"reasoning_effort": "low"})
HIGH = Arm("high", "p", "m", "q", {"reasoning_effort": "high"})
SAMPLES = tuple(Sample(str(n), "x") for n in range(40))


@dataclass(frozen=True)
class Held:
    arms: tuple[Arm, ...]
    kept: tuple[Record, ...]

    def info(self) -> RunInfo:
        return RunInfo("run", "s", "h", Mode.LIVE, 1.0, "h", {}, "c")

    def suite(self) -> Suite:
        return Suite("s", (), (), SAMPLES, self.arms)

    def records(self) -> Iterator[Record]:
        return iter(self.kept)

    def scores(self) -> Iterator[ScoreRow]:
        return iter(())

    def baseline(self) -> Baseline | None:
        return None

    def looks(self) -> tuple[JsonObject, ...]:
        return ()

    def scored_records(self) -> Iterator[tuple[Record, tuple[ScoreRow, ...]]]:
        return ((each, ()) for each in self.records())

    def limit_changes(self) -> tuple[LimitChange, ...]:
        return ()

    def phases(self) -> tuple[Phase, ...]:
        return ()

    def token_counts(self) -> Iterator[TokenCount]:
        return iter(())


def ran(
    arm: Arm,
    tokens: Callable[[int], int | None],
    sent: JsonObject | None = None,
    reasoning: str | None = None,
    count: int = 40,
) -> tuple[Record, ...]:
    body = json.dumps(
        {"model": "m", "messages": [{"role": "user"}], **(arm.params if sent is None else sent)}
    )
    records = []
    for n, sample in enumerate(SAMPLES[:count]):
        usage = Usage(reasoning_tokens=tokens(n))
        answer = Response(
            None, None, (Choice(0, "4", reasoning),), usage, Timing(None, None, None, None)
        )
        attempt = Attempt(1, 1.0, 1, 2, Exchange("u", body, answer))
        records.append(Record(Cell(f"{arm.name}{n}", arm, sample), (attempt,)))
    return tuple(records)


def test_values_that_only_python_holds_equal_are_told_apart() -> None:
    sent = [{"n": value} for value in (1, True, 1.0, "1", {"a": 1, "b": 2})]
    sent += [{"n": {"b": 2, "a": 1}}, {"n": 1}]
    records = tuple(r for body in sent for r in ran(LOW, lambda _: 1, body, count=1))
    (low,) = wire_proof(Held((LOW,), records)).arms
    assert [repr(value) for value in low.params["n"]] == [
        "1", "True", "1.0", "'1'", "{'a': 1, 'b': 2}",
    ]  # fmt: skip


def test_the_parameters_are_those_of_the_bodies() -> None:
    (low,) = wire_proof(Held((LOW,), ran(LOW, lambda n: 100 + n))).arms
    assert low.params == {"model": ("m",), "reasoning_effort": ("low",)}
    assert (low.requests, low.reasoning, low.reasoning_unit) == (40, 119.5, "tokens")


def test_a_parameter_with_many_values_is_shown_by_its_first() -> None:
    records = tuple(
        r for n in range(9) for r in ran(LOW, lambda _: None, {"seed": n}, count=1)
    )  # fmt: skip
    (low,) = wire_proof(Held((LOW,), records)).arms
    assert low.params["seed"] == (0, 1, 2, 3, 4)


def test_effort_that_changes_reasoning_is_no_warning() -> None:
    records = ran(LOW, lambda n: 100 + n) + ran(HIGH, lambda n: 300 + n)
    assert wire_proof(Held((LOW, HIGH), records)).warnings == ()


@pytest.mark.parametrize("high", [lambda n: 121 + n % 3, lambda n: 5000 if n < 2 else 120 + n % 3])
def test_effort_that_changes_nothing_is_told(high: Callable[[int], int]) -> None:
    records = ran(LOW, lambda n: 120 + n % 3) + ran(HIGH, high)
    (warning,) = wire_proof(Held((LOW, HIGH), records)).warnings
    assert warning.startswith(
        "low and high: reasoning_effort differs on the wire but reasoning does not (median 121 vs "
    )
    assert warning.endswith("tokens over 40 items): the server may ignore it")


def test_without_token_counts_characters_tell() -> None:
    records = ran(LOW, lambda _: None, reasoning="abc") + ran(HIGH, lambda _: None, reasoning="abd")
    proof = wire_proof(Held((LOW, HIGH), records))
    assert proof.arms[0].reasoning_unit == "characters"
    assert "median 3 vs 3 characters over 40 items" in proof.warnings[0]


def test_few_items_or_no_reasoning_at_all_prove_nothing() -> None:
    few = ran(LOW, lambda _: 9, count=9) + ran(HIGH, lambda _: 9, count=9)
    none = ran(LOW, lambda _: None) + ran(HIGH, lambda _: None)
    for records in (few, none):
        assert wire_proof(Held((LOW, HIGH), records)).warnings == ()


def test_a_parameter_that_never_left_is_told() -> None:
    records = ran(LOW, lambda _: 10, {}) + ran(HIGH, lambda _: 10, {})
    (warning,) = wire_proof(Held((LOW, HIGH), records)).warnings
    expected = "low and high: reasoning_effort differs in the suite but not on the wire"
    assert warning == expected


def test_arms_of_other_models_or_without_requests_are_not_compared() -> None:
    other = Arm("other", "p", "m2", "q", {"reasoning_effort": "high"})
    records = ran(LOW, lambda _: 10) + ran(other, lambda _: 10)
    assert wire_proof(Held((LOW, other, HIGH), records)).warnings == ()
