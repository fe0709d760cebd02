import http.client
import json
import time
from pathlib import Path
from typing import Any

import pytest

from stepeval.core.errors import UsageError
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import running
from stepeval.simulator.truth import Truth, TruthLog, read_truth


def _body(**fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "Hello"}]
    return {"model": "step-3.7-flash", "messages": messages, **fields}


def _by_id(path: Path) -> dict[str | None, Truth]:
    return {truth.request_id: truth for truth in read_truth(path)}


def test_the_log_matches_what_the_client_saw(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    config = SimulatorConfig(speed=Speed(ttft_ms=60, itl_ms=5), truth_log=log)
    body = _body(stream=True, max_tokens=30)
    with running(config) as simulator:
        connection = http.client.HTTPConnection("127.0.0.1", simulator.port)
        sent_ns = time.monotonic_ns()
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"X-Request-Id": "mine"}
        )
        response = connection.getresponse()
        seen = [
            (time.monotonic_ns(), json.loads(line[6:]))
            for line in response
            if line.startswith(b"data: {")
        ]
        response.read()
        connection.close()
    truth = _by_id(log)["mine"]
    assert truth.status == 200
    assert truth.complete
    assert json.loads(truth.body) == body
    assert sent_ns <= truth.read_ns
    written = [truth.read_ns + offset * 1000 for offset in truth.offsets_us]
    assert len(written) == len(seen)
    assert written == sorted(written)
    assert all(wrote <= saw for wrote, (saw, _) in zip(written, seen, strict=True))
    assert truth.first_ns is not None
    assert truth.last_ns is not None
    spoken = next(i for i, (_, c) in enumerate(seen) if c["usage"]["completion_tokens"])
    assert abs(truth.first_ns - written[spoken]) < 1000
    assert truth.last_ns >= written[-1]


def test_answers_in_one_piece_and_refusals_are_logged_too(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    with running(SimulatorConfig(speed=Speed(scale=0), truth_log=log)) as simulator:
        simulator.post(_body(), {"X-Request-Id": "whole"})
        simulator.post(_body(), {"X-Request-Id": "503", "X-Simulate-Fault": "503"})
        simulator.post(b"no json", {"X-Request-Id": "400"})
        with pytest.raises(http.client.RemoteDisconnected):
            simulator.post(_body(), {"X-Request-Id": "silent", "X-Simulate-Fault": "early-close"})
    truths = _by_id(log)
    assert truths["whole"].first_ns == truths["whole"].last_ns is not None
    assert len(truths["whole"].offsets_us) == 1
    assert truths["503"].status == 503
    assert truths["503"].first_ns is None
    assert truths["400"].body == "no json"
    assert truths["silent"].status is None
    assert truths["silent"].last_ns is None


def test_a_client_that_leaves_ends_the_work(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    config = SimulatorConfig(speed=Speed(ttft_ms=1, itl_ms=200), truth_log=log)
    with running(config) as simulator:
        connection = http.client.HTTPConnection("127.0.0.1", simulator.port)
        connection.request("POST", "/v1/chat/completions", json.dumps(_body(stream=True)))
        response = connection.getresponse()
        assert response.readline().startswith(b"data: ")
        response.close()
        connection.close()
        while simulator.connections():
            time.sleep(0.005)
    (truth,) = read_truth(log)
    assert truth.complete is False
    assert len(truth.offsets_us) < 20


def test_no_header_but_the_request_id_is_written(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    with running(SimulatorConfig(speed=Speed(scale=0), truth_log=log)) as simulator:
        simulator.post(_body(), {"Authorization": "Bearer sk-canary"})
    assert list(read_truth(log))
    assert "canary" not in log.read_text()


def test_a_log_that_cannot_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    config = SimulatorConfig(truth_log=tmp_path / "missing" / "truth.jsonl")
    with pytest.raises(UsageError, match="truth log cannot be written"), running(config):
        pass


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "truth.jsonl").symlink_to(victim)
    with pytest.raises(UsageError, match="cannot be written"):
        TruthLog(tmp_path / "truth.jsonl")
    assert victim.read_text() == "mine"
