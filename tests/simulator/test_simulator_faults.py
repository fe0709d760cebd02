import gzip
import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from stepeval.core.errors import UnknownName, UsageError
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.faults import FAULTS, STATUS_FAULTS
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import Answer, RunningSimulator, running
from stepeval.simulator.truth import read_truth

_FLOOD = 1 << 20


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    config = SimulatorConfig(speed=Speed(scale=0), slow_headers_s=0.3, flood_bytes=_FLOOD)
    with running(config) as started:
        yield started


def _body(**fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Hello"}]
    return {"model": "step-3.7-flash", "messages": messages, **fields}


def _post(simulator: RunningSimulator, fault: str, **fields: Any) -> Answer:
    return simulator.post(_body(**fields), {"X-Simulate-Fault": fault})


@pytest.mark.parametrize("name", sorted(STATUS_FAULTS))
def test_status_faults_have_a_body_like_stepfuns(simulator: RunningSimulator, name: str) -> None:
    answer = _post(simulator, name)
    assert answer.status == int(name[:3])
    assert set(answer.json()["error"]) == {"message", "type"}
    assert ("retry-after" in answer.headers) == (name == "429-retry-after")


def test_a_model_name_can_ask_for_a_fault(simulator: RunningSimulator) -> None:
    assert simulator.post(_body(model="fault:503")).status == 503
    healthy = simulator.post(_body(model="fault:ignore-effort", reasoning_effort="high"))
    assert healthy.json()["model"] == "fault:ignore-effort"


def test_an_unknown_fault_gets_400_with_the_nearest_name(simulator: RunningSimulator) -> None:
    answer = _post(simulator, "gzip-bom")
    assert answer.status == 400
    assert "did you mean 'gzip-bomb'?" in answer.json()["error"]["message"]


def test_ignored_effort_has_no_effect(simulator: RunningSimulator) -> None:
    answers = {
        _post(simulator, "ignore-effort", reasoning_effort=effort, temperature=0).body
        for effort in ("low", "high")
    }
    contents = {json.loads(body)["choices"][0]["message"]["reasoning"] for body in answers}
    assert len(contents) == 1


def test_negative_usage(simulator: RunningSimulator) -> None:
    assert _post(simulator, "negative-usage").json()["usage"]["completion_tokens"] < 0
    chunks = _post(simulator, "negative-usage", stream=True).chunks()
    assert chunks[-1]["usage"]["total_tokens"] < 0


def test_no_usage_talks_like_llama_cpp(simulator: RunningSimulator) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = _post(simulator, "no-usage", **asked).chunks()
    assert not any("usage" in chunk for chunk in chunks)
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [choice["finish_reason"] for choice in choices] == [None] * (len(choices) - 1) + ["stop"]
    assert ["role" in choice["delta"] for choice in choices] == [True] + [False] * (
        len(choices) - 1
    )
    assert "usage" not in _post(simulator, "no-usage").json()


def test_usage_last_sends_it_alone_and_only_when_asked(simulator: RunningSimulator) -> None:
    chunks = _post(simulator, "usage-last", stream=True).chunks()
    assert not any("usage" in chunk for chunk in chunks)
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    *spoken, last = _post(simulator, "usage-last", **asked).chunks()
    assert not any("usage" in chunk for chunk in spoken)
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] > 0
    assert last["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0
    assert _post(simulator, "usage-last").json()["usage"]["total_tokens"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_cut_stream_ends_before_its_end(simulator: RunningSimulator, stream: bool) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        _post(simulator, "cut-stream", stream=stream)
    assert caught.value.partial
    assert b"[DONE]" not in caught.value.partial


def test_broken_sse_holds_an_event_that_is_no_json(simulator: RunningSimulator) -> None:
    answer = _post(simulator, "broken-sse", stream=True)
    with pytest.raises(json.JSONDecodeError):
        answer.chunks()
    assert answer.lines()[-1] == b"[DONE]"
    with pytest.raises(json.JSONDecodeError):
        _post(simulator, "broken-sse").json()


@pytest.mark.parametrize("stream", [False, True])
def test_invalid_utf8(simulator: RunningSimulator, stream: bool) -> None:
    answer = _post(simulator, "invalid-utf8", stream=stream)
    with pytest.raises(UnicodeDecodeError):
        answer.body.decode()
    assert answer.body.decode("utf-8", "ignore")


def test_slow_headers_keep_the_head_back(simulator: RunningSimulator) -> None:
    begun = time.monotonic()
    assert _post(simulator, "slow-headers").status == 200
    assert time.monotonic() - begun >= 0.3


def test_garbage_is_no_http(simulator: RunningSimulator) -> None:
    with pytest.raises(http.client.BadStatusLine):
        _post(simulator, "garbage")


def test_early_close_sends_nothing(simulator: RunningSimulator) -> None:
    with pytest.raises(http.client.RemoteDisconnected):
        _post(simulator, "early-close")


def test_wrong_content_type_is_a_page(simulator: RunningSimulator) -> None:
    answer = _post(simulator, "wrong-content-type", stream=True)
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html"


@pytest.mark.parametrize("stream", [False, True])
def test_a_huge_line_is_as_long_as_the_flood(simulator: RunningSimulator, stream: bool) -> None:
    body = _post(simulator, "huge-line", stream=stream).body
    assert body.startswith(b"data: ") is stream
    assert max(len(line) for line in body.split(b"\n")) >= _FLOOD


def test_an_endless_stream_is_bounded_all_the_same(simulator: RunningSimulator) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        _post(simulator, "endless-stream", stream=True)
    assert _FLOOD * 0.7 < len(caught.value.partial) <= _FLOOD


def test_a_gzip_bomb_is_small_on_the_wire(simulator: RunningSimulator) -> None:
    answer = _post(simulator, "gzip-bomb")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < _FLOOD / 500
    assert len(gzip.decompress(answer.body)) == _FLOOD


def test_a_flood_waits_for_a_client_that_does_not_read(tmp_path: Path) -> None:
    """The server holds a bounded part of it, and serves the others meanwhile."""
    log = tmp_path / "truth.jsonl"
    config = SimulatorConfig(speed=Speed(scale=0), flood_bytes=64 << 20, truth_log=log)
    with running(config) as simulator:
        with socket.create_connection(("127.0.0.1", simulator.port)) as sleeper:
            body = json.dumps(_body(model="fault:huge-line")).encode()
            head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
            sleeper.sendall(head % len(body) + body)
            assert sleeper.recv(10)
            for _ in range(200):
                assert simulator.post(_body()).status == 200
        while simulator.connections():
            time.sleep(0.005)
    (flood,) = [truth for truth in read_truth(log) if "huge-line" in truth.body]
    assert flood.complete is False


def test_seeded_rates_choose_faults_by_request_and_not_by_order() -> None:
    rates = {"503": 0.3, "429": 0.2}
    bodies = [_body(seed=number) for number in range(200)]
    heard = []
    for order in (bodies, bodies[::-1]):
        with running(SimulatorConfig(speed=Speed(scale=0), fault_rates=rates)) as simulator:
            heard.append({body["seed"]: simulator.post(body).status for body in order})
    assert heard[0] == heard[1]
    counts = Counter(heard[0].values())
    assert 30 < counts[503] < 90
    assert 15 < counts[429] < 65
    assert counts[200] > 60


def test_a_retry_draws_its_fault_anew() -> None:
    config = SimulatorConfig(speed=Speed(scale=0), fault_rates={"503": 0.5})
    with running(config) as simulator:
        statuses = {simulator.post(_body(temperature=0)).status for _ in range(20)}
    assert statuses == {200, 503}


def test_rates_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean '503'"):
        SimulatorConfig(fault_rates={"5033": 0.1})
    with pytest.raises(UsageError, match="above 1 together"):
        SimulatorConfig(fault_rates={"503": 0.6, "500": 0.6})
    with pytest.raises(UsageError, match="must be 0 or more"):
        SimulatorConfig(fault_rates={"503": -0.1})


@pytest.mark.parametrize("name", FAULTS)
def test_after_any_fault_the_server_still_answers(simulator: RunningSimulator, name: str) -> None:
    for stream in (False, True):
        no_whole_answer = name in {
            *("cut-stream", "early-close", "endless-headers"),
            *("endless-stream", "garbage", "trickle"),
        }
        expected = pytest.raises(http.client.HTTPException) if no_whole_answer else nullcontext()
        with expected:
            _post(simulator, name, stream=stream)
    assert simulator.post(_body()).status == 200
