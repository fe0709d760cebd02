"""What the suite sets is what the server reads, for any parameter and any model name."""

import json
from typing import Any

import pytest
from program import Serve, Shell

from stepeval.store.run import RunReader

SUITE = """
stepeval: 1
name: wire
defaults: {{model: step-3.7-flash, stream: {stream}}}
grid: {{{axis}: {values}}}
dataset: [{{id: a, input: "Say {{{{7*7}}}} and {{% raw %}}"}}, {{id: b, input: two}}]
scoring: [{{scorer: includes, value: x}}]
"""


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("temperature", [0.0, 0.7, 2.0]),
        ("top_p", [0.1, 1.0]),
        ("reasoning_effort", ["low", "medium", "high"]),
        ("model", ["step-3.7-flash", "step-3.5-flash", "somebody/unheard-of:7b"]),
    ],
)
def test_each_arm_reaches_the_server_as_the_suite_says(
    shell: Shell, serve: Serve, axis: str, values: list[Any], stream: str
) -> None:
    server = serve(models=("somebody/unheard-of:7b",))
    suite = shell.suite(SUITE.format(axis=axis, values=json.dumps(values), stream=stream))
    shell("run", suite, "--base-url", server.base_url, "--no-report")
    bodies = [json.loads(request.body) for request in server.requests() if request.body]
    assert sorted(str(body[axis]) for body in bodies) == sorted(str(v) for v in values * 2)
    for body in bodies:
        assert set(body) == {"model", "messages", "stream", axis, *(["model"])}
        assert body["stream"] is (stream == "true")


def test_the_body_recorded_is_the_body_read_and_data_is_literal(shell: Shell, serve: Serve) -> None:
    """A value that looks like a template is a value: it is never rendered."""
    server = serve()
    suite = shell.suite(SUITE.format(axis="temperature", values="[0.25]", stream="true"))
    shell("run", suite, "--base-url", server.base_url, "--no-report")
    read = sorted(request.body.decode() for request in server.requests() if request.body)
    reader = RunReader(shell.run_folder())
    recorded = sorted(
        attempt.exchange.body for record in reader.records() for attempt in record.attempts
    )
    assert read == recorded
    assert any("Say {{7*7}} and {% raw %}" in json.loads(b)["messages"][0]["content"] for b in read)


def test_the_command_line_overrides_what_the_suite_says(shell: Shell, serve: Serve) -> None:
    server = serve()
    suite = shell.suite(SUITE.format(axis="temperature", values="[0.1, 0.9]", stream="true"))
    shell(
        *("run", suite, "--base-url", server.base_url, "--no-report"),
        *("--set", "temperature=0.2", "--set", "max_tokens=9", "--model", "step-3.5-flash"),
        *("--sample", "b", "--epochs", "2", "--concurrency", "1"),
    )
    bodies = [json.loads(request.body) for request in server.requests() if request.body]
    assert len(bodies) == 2  # one sample, one arm left, two epochs
    for body in bodies:
        assert (body["temperature"], body["max_tokens"]) == (0.2, 9)
        assert body["model"] == "step-3.5-flash"
        assert body["messages"] == [{"role": "user", "content": "two"}]


def test_a_server_that_ignores_reasoning_effort_is_found_out(shell: Shell, serve: Serve) -> None:
    server = serve(fault_rates={"ignore-effort": 1.0})
    rows = json.dumps([{"id": str(n), "input": f"question {n}"} for n in range(24)])
    suite = shell.suite(
        "stepeval: 1\nname: ignored\ndefaults: {model: step-3.7-flash, stream: true}\n"
        f"grid: {{reasoning_effort: [low, high]}}\ndataset: {rows}\n"
        "scoring: [{scorer: includes, value: x}]\n"
    )
    said = shell("run", suite, "--base-url", server.base_url, "--json", "--no-report").json()
    assert any("reasoning_effort" in warning for warning in said["warnings"])


def test_an_honest_server_is_not_accused(shell: Shell, serve: Serve) -> None:
    server = serve()
    rows = json.dumps([{"id": str(n), "input": f"question {n}"} for n in range(24)])
    suite = shell.suite(
        "stepeval: 1\nname: honest\ndefaults: {model: step-3.7-flash, stream: true}\n"
        f"grid: {{reasoning_effort: [low, high]}}\ndataset: {rows}\n"
        "scoring: [{scorer: includes, value: x}]\n"
    )
    said = shell("run", suite, "--base-url", server.base_url, "--json", "--no-report").json()
    assert said["warnings"] == []


@pytest.mark.parametrize("stream", ["true", "false"])
def test_a_server_without_usage_gives_unknown_tokens_not_none_at_all(
    shell: Shell, serve: Serve, stream: str
) -> None:
    """A llama.cpp server: no usage in chunks, null finish reasons, the role only at first."""
    server = serve(fault_rates={"no-usage": 1.0}, models=("my-model",))
    suite = shell.suite(SUITE.format(axis="model", values='["my-model"]', stream=stream))
    said = shell("run", suite, "--base-url", server.base_url, "--json", "--no-report").json()
    (arm,) = said["arms"]
    assert arm["n"] == 2
    assert arm["output_tokens"]["value"] is None
    assert arm["cost_total"] is None
    assert arm["outcomes"].get("failed", 0) == 0
