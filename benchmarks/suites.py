"""Suites of any size, for measuring."""

import json
from pathlib import Path

_SUITE = """\
stepeval: 1
name: benchmark
defaults: {{model: step-3.7-flash, reasoning_effort: low, max_tokens: 16}}
dataset: {{file: {data}}}
limits: {{concurrency: {concurrency}, max_cells: 1000000}}
scoring: [{{scorer: exact}}]
"""


def write_suite(path: Path, *, samples: int, concurrency: int = 100) -> Path:
    data = path.with_suffix(".jsonl")
    with data.open("w", encoding="utf-8") as file:
        for number in range(samples):
            row = {"id": str(number), "input": f"What is {number} + 1?", "target": str(number + 1)}
            file.write(json.dumps(row) + "\n")
    path.write_text(_SUITE.format(data=data.name, concurrency=concurrency), "utf-8")
    return path
