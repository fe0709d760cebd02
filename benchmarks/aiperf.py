"""aiperf under the same load, where it is installed: a load tool with processes of its own."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.accuracy import Load
from benchmarks.clients import Seen
from benchmarks.loads import NotMeasured

_TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
}
_TOKENIZER_FILES: Mapping[str, object] = {  # it wants one, and would download it
    "tokenizer.json": _TOKENIZER,
    "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"},
    "config.json": {"model_type": "bert"},
}


def run_aiperf(
    url: str, folder: Path, *, concurrency: int, requests: int, limit_s: float = 120.0
) -> Load:
    """Its own figures of each request; its clock starts with the first one.

    Raises:
        NotMeasured: It is not installed, failed, or did not end in time.
    """
    program = shutil.which("aiperf")
    if program is None:
        raise NotMeasured("not installed")
    results = folder / "aiperf"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir()
    command = [
        *(program, "profile", "--model=null", f"--url={url.removesuffix('/v1')}"),
        *("--endpoint-type=chat", "--streaming", "--use-server-token-count", "--ui=none"),
        *(f"--concurrency={concurrency}", f"--request-count={requests}"),
        *(f"--tokenizer={_tokenizer(results)}", f"--artifact-dir={results}"),
        *(f"--input-file={_prompts(results)}", "--custom-dataset-type=single_turn"),
    ]
    try:
        done = subprocess.run(
            command, cwd=results, capture_output=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"not done in {limit_s:g} s") from None
    found = results / "profile_export.jsonl"
    if done.returncode != 0 or not found.exists():
        raise NotMeasured(f"it ended with {done.returncode}")
    return load_of(json.loads(line) for line in found.read_text("utf-8").splitlines())


def load_of(records: Iterator[Mapping[str, Any]]) -> Load:
    """Its CPU time is not known: it starts many processes.

    Raises:
        NotMeasured: There is not one complete stream.
    """
    rows = [row for row in records if "inter_chunk_latency" in row["metrics"]]
    if not rows:
        raise NotMeasured("it received no stream")
    return Load(
        began_ns=min(row["metadata"]["request_start_ns"] for row in rows),
        ended_ns=max(row["metadata"]["request_end_ns"] for row in rows),
        cpu_s=float("nan"),
        seen=[_seen(row) for row in rows],
    )


def _seen(row: Mapping[str, Any]) -> Seen:
    metrics, sent_ns = row["metrics"], row["metadata"]["request_start_ns"]
    gaps_ms = metrics["inter_chunk_latency"]["value"]
    first_ns = sent_ns + round(metrics["time_to_first_token"]["value"] * 1e6)
    last_ns = first_ns + round(sum(gaps_ms) * 1e6)
    return Seen(row["metadata"]["x_request_id"], sent_ns, first_ns, last_ns, len(gaps_ms) + 1)


def _tokenizer(folder: Path) -> Path:
    made = folder / "tokenizer"
    made.mkdir()
    for name, content in _TOKENIZER_FILES.items():
        (made / name).write_text(json.dumps(content), "utf-8")
    return made


def _prompts(folder: Path) -> Path:
    made = folder / "prompts.jsonl"
    made.write_text(json.dumps({"text": "How much is 6 times 7?"}) + "\n", "utf-8")
    return made
