from dataclasses import replace
from pathlib import Path

import pytest

from stepeval.analysis.rows import sample_rows
from stepeval.api.guards import Guard
from stepeval.api.preparation import SuiteOptions, prepare
from stepeval.api.preview import preview
from stepeval.api.run import start_run
from stepeval.api.sources import Sources
from stepeval.cli.progress import LineProgress, Tally
from stepeval.core.record import Mode
from stepeval.simulator.config import SimulatorConfig
from stepeval.simulator.speed import Speed
from stepeval.simulator.thread import running
from stepeval.store.run import RunReader

SUITE = """
stepeval: 1
name: told
defaults: {{model: {model}{more}}}
grid: {{reasoning_effort: [low, high]}}
dataset: [{{input: "{text}"}}, {{input: "{text}"}}]
epochs: 3
scoring: [{{scorer: includes, value: x}}]
"""


def told(folder: Path, model: str = "step-3.7-flash", more: str = "", text: str = "x" * 400) -> str:
    path = folder / "s.yaml"
    path.write_text(SUITE.format(model=model, more=more, text=text))
    return "\n".join(preview(SuiteOptions(path), folder / "runs").lines())


def test_requests_are_arms_by_samples_by_epochs(tmp_path: Path) -> None:
    assert "2 arms x 2 samples x 3 epochs = 12 requests" in told(tmp_path)


def test_input_tokens_follow_the_rendered_prompts(tmp_path: Path) -> None:
    assert "about 600 tokens in" in told(tmp_path)  # 6 requests an arm, 400 characters each
    assert "about 60 tokens in" in told(tmp_path, text="x" * 40)


def test_max_tokens_bounds_the_cost_and_without_it_there_is_no_bound(tmp_path: Path) -> None:
    bounded = told(tmp_path, more=", max_tokens: 1000")
    highest = (2 * 1800 * 0.20 + 2 * 6000 * 1.15) / 1e6
    assert f"; at most {highest:.4f})" in bounded
    assert "no upper bound" in told(tmp_path)


def test_without_a_stored_run_the_assumption_is_said_and_the_range_is_wide(tmp_path: Path) -> None:
    text = told(tmp_path)
    assert "assumed: 4 characters a token, about 150 tokens an answer" in text
    assert "900 out (300 to 2,700)" in text


def test_figures_come_from_stored_runs_of_the_same_arms(tmp_path: Path) -> None:
    """Of another model, prompt or parameter they would say nothing of this one."""
    with running(SimulatorConfig(speed=Speed(scale=0))) as server:
        options = SuiteOptions(_file(tmp_path), base_url=server.base_url, epochs=30)
        run(options, tmp_path / "runs")
        arms = preview(options, tmp_path / "runs").arms
        others = preview(replace(options, parameters={"top_p": 0.5}), tmp_path / "runs").arms
    assert [arm.basis for arm in arms] == ["from 60 requests of 1 stored run"] * 2
    rows = list(sample_rows(RunReader(next((tmp_path / "runs").iterdir()))))
    for arm in arms:
        spent = sum(row.output_tokens or 0 for row in rows if row.arm == arm.name)
        assert arm.output_tokens.low < spent < arm.output_tokens.high
        assert arm.output_tokens.likely == pytest.approx(spent)
        assert arm.cost is not None
        cost = sum(row.cost or 0.0 for row in rows if row.arm == arm.name)
        assert arm.cost.likely == pytest.approx(cost)
    assert all(arm.basis.startswith("assumed") for arm in others)


def _file(folder: Path) -> Path:
    path = folder / "s.yaml"
    path.write_text(SUITE.format(model="step-3.7-flash", more="", text="x"))
    return path


def run(options: SuiteOptions, folder: Path) -> None:
    start_run(
        options,
        folder=folder,
        simulate=False,
        allow_code=False,
        command="",
        guard=Guard(),
        sources=Sources(),
        listener=LineProgress(Tally(prepare(options)[0], Mode.SIMULATED), quiet=True),
        announce=lambda _: None,
        say=lambda _: None,
    )


@pytest.mark.parametrize("model", ["gpt-unheard-of"])
def test_an_unknown_price_is_said_to_be_unknown(tmp_path: Path, model: str) -> None:
    text = told(tmp_path, model=model)
    assert "cost unknown" in text
    assert "total cost: unknown" in text
