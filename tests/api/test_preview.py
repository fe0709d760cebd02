from pathlib import Path

import pytest

from stepeval.api.preparation import SuiteOptions
from stepeval.api.preview import preview

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
    return "\n".join(preview(SuiteOptions(path)).lines())


def test_requests_are_arms_by_samples_by_epochs(tmp_path: Path) -> None:
    assert "2 arms x 2 samples x 3 epochs = 12 requests" in told(tmp_path)


def test_input_tokens_follow_the_rendered_prompts(tmp_path: Path) -> None:
    assert "about 600 tokens in" in told(tmp_path)  # 6 requests an arm, 400 characters each
    assert "about 60 tokens in" in told(tmp_path, text="x" * 40)


def test_max_tokens_bounds_the_cost_and_without_it_there_is_no_bound(tmp_path: Path) -> None:
    bounded = told(tmp_path, more=", max_tokens: 1000")
    highest = (2 * 600 * 0.20 + 2 * 6000 * 1.15) / 1e6
    assert f"(at most {highest:.4f})" in bounded
    assert "no upper bound" in told(tmp_path)


@pytest.mark.parametrize("model", ["gpt-unheard-of"])
def test_an_unknown_price_is_said_to_be_unknown(tmp_path: Path, model: str) -> None:
    text = told(tmp_path, model=model)
    assert "cost unknown" in text
    assert "total cost: unknown" in text
