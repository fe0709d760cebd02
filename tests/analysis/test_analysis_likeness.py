"""What besides the answers differs is said, and what differs on purpose is told apart."""

from dataclasses import replace
from typing import Any

import pytest
from compared_rows import PRICE, row, side

from stepeval.analysis.compare import compare
from stepeval.analysis.compared import notes
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.likeness import settings, unlikeness
from stepeval.core.chat import Message
from stepeval.core.record import CassetteInfo, Mode
from stepeval.core.task import Limits, Price, Prompt, Provider, ScoringRule

ROWS = [row("s"), row("t")]
A = side(ROWS, "a")
_TAPE = CassetteInfo("c", "0", Mode.LIVE, 0.0, "h")


def other(**suite: Any) -> ComparedArm:
    return side(ROWS, "b", run_id="other", **suite)


def moved(**info: Any) -> ComparedArm:
    found = other()
    return replace(found, info=replace(found.info, **info))


@pytest.mark.parametrize(
    ("b", "what", "sentence"),
    [
        (moved(mode=Mode.SIMULATED), "mode", "a is LIVE, b is SIMULATED"),
        (
            moved(mode=Mode.REPLAY, cassette=_TAPE),
            "mode",
            "a is LIVE, b is REPLAY (of LIVE answers)",
        ),
        (
            other(providers=(Provider("p", "https://else.example/v1"),)),
            "server",
            "a asked https://api.example/v1, b asked https://else.example/v1",
        ),
        (
            other(prompts=(Prompt("plain", (Message("user", "Now: {{ input }}"),)),)),
            "prompt",
            "prompt 'plain' is not the same in a and b",
        ),
        (
            other(scoring=(ScoringRule("exact", "exact", {"ignore_case": True}),)),
            "scorers",
            "a and b are scored by different rules: exact",
        ),
        (
            replace(other(), price=Price("USD", 0.3, 0.04, 1.15)),
            "prices",
            "m is priced at 0.2/0.04/1.15 USD in a, 0.3/0.04/1.15 USD in b",
        ),
        (
            replace(other(), price=None),
            "prices",
            "m is priced at 0.2/0.04/1.15 USD in a, an unknown",
        ),
        (other(limits=Limits(concurrency=32)), "load", "a had up to 8 requests in flight, b 32"),
        (moved(versions={"stepeval": "2"}), "version", "a was made by stepeval 1, b by 2"),
    ],
)
def test_each_thing_that_differs_is_one_sentence(b: ComparedArm, what: str, sentence: str) -> None:
    (found,) = unlikeness(A, b)
    assert found.what == what
    assert found.sentence.startswith(sentence)


def test_equal_runs_are_not_warned_of() -> None:
    assert unlikeness(A, other()) == ()
    dated = replace(other(), price=replace(PRICE, as_of="2026-01-01"))
    assert unlikeness(A, dated) == ()


def test_two_simulators_on_this_machine_are_one_server() -> None:
    def simulated(port: int) -> ComparedArm:
        found = other(providers=(Provider("p", f"http://127.0.0.1:{port}/v1"),))
        return replace(found, info=replace(found.info, mode=Mode.SIMULATED))

    assert unlikeness(simulated(4001), simulated(4002)) == ()


def test_settings_are_what_was_changed_on_purpose() -> None:
    a = side(ROWS, "a", params={"temperature": 0.5, "stop": ["x"]})
    b = side(ROWS, "b", params={"temperature": 0.5, "reasoning_effort": "high"}, model="n")
    assert settings(a, b) == (
        "model: m -> n",
        'stop: ["x"] -> not set',
        "reasoning_effort: not set -> high",
    )


def test_notes_are_said_once_and_the_gravest_first() -> None:
    b = replace(moved(mode=Mode.SIMULATED), unfit="It moved.", values=side([row("s")]).values)
    found = notes(compare([(A, b), (A, b)]), ["other is incomplete"])
    assert found == (
        "a is LIVE, b is SIMULATED",
        "other is incomplete",
        "a and b have 1 and 0 answers without a counterpart",
        "latency of b decides nothing. It moved.",
    )


def test_prompts_of_one_run_differ_on_purpose() -> None:
    prompts = tuple(Prompt(name, (Message("user", name),)) for name in ("plain", "other"))
    a = side(ROWS, "a", prompts=prompts)
    b = replace(side(ROWS, "b", prompts=prompts), arm=replace(A.arm, prompt="other"))
    (found,) = compare([(a, b)])
    assert [unlike.what for unlike in found.unlike] == ["prompt"]
    assert found.settings == ("prompt: plain -> other",)
    assert notes([found]) == ()
