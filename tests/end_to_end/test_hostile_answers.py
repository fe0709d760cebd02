"""Answers that are meant to hang, crash or fill the memory end as an ordinary outcome."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from program import Shell

from stepeval.api.simulation import embedded_simulator
from stepeval.core.errors import StepevalError
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.thread import running

MESSAGE = {"role": "assistant", "content": "1" * 200_000 + "_"}
LONG_NUMBER = {"choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}
ONE_INDEX_TWICE = {"choices": [{"index": 0, "message": {"content": "5"}}] * 2}
PIECES = [{"index": n, "function": {"name": "f", "arguments": ""}} for n in range(150_000)]
MANY_CALLS = {"choices": [{"index": 0, "delta": {"tool_calls": PIECES}, "finish_reason": "stop"}]}

SUITE = (
    "stepeval: 1\nname: hostile\ndefaults: {model: m}\ndataset: [{input: x, target: 5}]\n"
    "scoring: [numeric]\nlimits: {max_attempts: 1}\n"
)


@contextmanager
def answering(body: bytes, content_type: str) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("body", "content_type", "outcome", "code"),
    [
        (json.dumps(LONG_NUMBER), "application/json", "incorrect", 0),
        (json.dumps(ONE_INDEX_TWICE), "application/json", "failed", 5),
        (
            f"data: {json.dumps(MANY_CALLS)}\n\ndata: [DONE]\n\n",
            "text/event-stream",
            "incorrect",
            0,
        ),
    ],
    ids=["long number", "one index twice", "many tool calls"],
)
def test_a_hostile_answer_is_an_ordinary_outcome(
    shell: Shell, body: str, content_type: str, outcome: str, code: int
) -> None:
    """The shell's own deadline would end a hang."""
    suite = shell.suite(SUITE)
    with answering(body.encode(), content_type) as url:
        said = shell("run", suite, "--base-url", url, "--no-report", "--json", code=code).json()
    (arm,) = said["arms"]
    assert arm["outcomes"][outcome] == 1


KINDS = {
    "slow-headers": "first_byte_timeout",
    "trickle": "total_timeout",
    "early-close": "disconnected",
    "cut-stream": "disconnected",
    "huge-line": "too_large",
    "gzip-bomb": "decompression_bomb",
    "endless-headers": "long_head",
    "two-responses": "extra_response",
    "garbage": "protocol",
    "invalid-utf8": "bad_stream",
}

FAULTY = """\
stepeval: 1
name: faulty
providers:
  bad: {{base_url: "{url}", timeouts: {{first_byte: 1, read: 5, total: 3}}}}
defaults: {{provider: bad, stream: true}}
grid: {{model: [{models}]}}
dataset: [{{input: x, target: 5}}]
scoring: [numeric]
limits: {{max_attempts: 1, concurrency: 1}}
"""


def test_each_way_to_go_wrong_is_a_failure_of_its_own_kind(shell: Shell) -> None:
    """One connection after the other, with good answers in between: none of them is spoilt."""
    names = [name for fault in KINDS for name in (f"fault:{fault}", f"good-{fault}")]
    config = SimulatorConfig(flood_bytes=96 << 20, models=tuple(names))
    with running(config) as simulator:
        models = ", ".join(f'"{name}"' for name in names)
        suite = shell.suite(FAULTY.format(url=simulator.base_url, models=models))
        shell("run", suite, "--no-report")
        exported = shell("export", "latest", "--format", "jsonl").out
    rows = {row["model"]: row for row in map(json.loads, exported.splitlines())}
    assert {name: rows[f"fault:{name}"]["failure"] for name in KINDS} == KINDS
    assert all(rows[f"good-{name}"]["failure"] is None for name in KINDS)


def test_a_module_of_the_folder_does_not_run_in_the_simulator(shell: Shell) -> None:
    (shell.folder / "orjson.py").write_text("open('planted', 'w').close()\n")
    (shell.folder / "stepeval.py").write_text("open('planted', 'w').close()\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(shell.folder)
        served = embedded_simulator(shell.folder, seed=0)
        with pytest.raises(StepevalError, match="did not start"), served:
            pass  # there is no run in this folder to serve
    assert not (shell.folder / "planted").exists()
