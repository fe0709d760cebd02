"""Runs compared as a user compares them: tiers, changed prompts, missing items, and mistakes."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from program import Shell

SUITE = """stepeval: 1
name: sums
defaults: {{model: step-3.7-flash, temperature: 0.5}}
prompts:
  - {{id: plain, template: "{prompt}"}}
dataset: {{file: data.jsonl}}
scoring: [numeric]
grid: {{reasoning_effort: [{efforts}]}}
epochs: {epochs}
limits: {{concurrency: 8}}
"""


def items(shell: Shell, numbers: Sequence[int], edited: int | None = None) -> None:
    lines = [
        json.dumps(
            {
                "id": f"sum-{n}",
                "input": f"What is {n} + {n}?" + (" Say it." if n == edited else ""),
                "target": str(2 * n),
                "metadata": {"difficulty": n % 10 / 10},
            }
        )
        for n in numbers
    ]
    (shell.folder / "data.jsonl").write_text("\n".join(lines), "utf-8")


def run(
    shell: Shell,
    *options: str,
    prompt: str = "{{ input }}",
    efforts: str = "low, high",
    epochs: int = 1,
) -> str:
    """The run's id."""
    suite = shell.suite(SUITE.format(prompt=prompt, efforts=efforts, epochs=epochs))
    said = shell("run", suite, "--simulate", "--no-report", "--json", *options)
    return str(said.json()["info"]["id"])


def metric(comparison: Any, name: str) -> Any:
    return next(row for row in comparison["metrics"] if row["metric"] == name)


def test_the_tiers_of_one_run_are_compared_step_by_step(shell: Shell) -> None:
    items(shell, range(60))
    run(shell, efforts="high, low, medium")
    said = shell("compare").out
    assert said.splitlines()[1].startswith("medium over low: ")
    assert "; high over medium: " in said.splitlines()[1]
    found = shell("compare", "latest", "--json").json()
    (tiers,) = found["tiers"]
    assert tiers["arms"] == ["low", "medium", "high"]
    assert tiers["advice"] == said.splitlines()[1]
    for one in found["comparisons"]:
        assert (one["items"], one["only_a"], one["only_b"]) == (60, 0, 0)
        flips = one["flips"]
        assert (
            len(flips["gained"]) + len(flips["lost"]) + flips["both_right"] + flips["both_wrong"]
            == metric(one, "accuracy")["n"]
        )
    assert metric(found["comparisons"][0], "cost")["verdict"] == "dearer"


def test_a_changed_prompt_is_paired_by_its_items_and_warned_of(shell: Shell) -> None:
    """Items that are gone, new or edited are counted, and in no difference."""
    items(shell, range(40))
    first = run(shell, efforts="low")
    items(shell, range(5, 45), edited=7)
    second = run(shell, "--seed", "3", prompt="Add up. {{ input }}", efforts="low")
    found = shell("compare", first, second, "--json").json()
    (one,) = found["comparisons"]
    assert (one["a"], one["b"]) == ("A", "B")
    assert (one["items"], one["only_a"], one["only_b"], one["changed"]) == (34, 6, 6, 1)
    assert [unlike["what"] for unlike in one["unlike"]] == ["prompt"]
    assert found["notes"][0] == "prompt 'plain' is not the same in A and B"
    said = shell("compare", first, second)
    assert f"A = SIMULATED  {first}" in said.out
    assert "warning: prompt 'plain' is not the same in A and B" in said.out
    turned = shell("compare", second, first, "--json").json()["comparisons"][0]
    assert metric(turned, "accuracy")["value"] == -metric(one, "accuracy")["value"]
    assert len(turned["flips"]["gained"]) == len(one["flips"]["lost"])


def test_a_run_against_itself_on_another_seed_shows_no_difference(shell: Shell) -> None:
    items(shell, range(50))
    first, second = run(shell, efforts="high"), run(shell, "--seed", "9", efforts="high")
    (one,) = shell("compare", first, second, "--json").json()["comparisons"]
    assert metric(one, "accuracy")["verdict"] == "no difference shown"
    assert one["needed"]["more"] > 0
    assert f"{one['needed']['more']:,} more items would show 2 points" in one["sentence"]
    other = shell("compare", first, second, "--difference", "10pp", "--json").json()
    assert other["comparisons"][0]["needed"]["items"] < one["needed"]["items"]


def test_equal_arms_meet_by_name_and_others_by_naming_them(shell: Shell) -> None:
    items(shell, range(12))
    first, second = run(shell), run(shell, "--seed", "2")
    found = shell("compare", first, second, "--json").json()["comparisons"]
    assert [(c["a"], c["b"]) for c in found] == [("A:low", "B:low"), ("A:high", "B:high")]
    across = shell("compare", f"{first}:low", f"{second}:high", "--json").json()
    assert [(c["a"], c["b"]) for c in across["comparisons"]] == [("A", "B")]


def test_several_runs_of_an_item_show_how_flaky_it_is(shell: Shell) -> None:
    items(shell, range(20))
    run(shell, epochs=3)
    found = shell("compare", "--json").json()
    assert [one["arm"] for one in found["flakiness"]] == ["low", "high"]
    for one in found["flakiness"]:
        assert (one["items"], one["runs"], [t["k"] for t in one["tries"]]) == (20, 3, [1, 2, 3])
        values = [t["any_right"]["value"] for t in one["tries"]]
        assert values == sorted(values)
    said = shell("compare").out
    assert "20 items in both, 60 answers each" in said
    assert "flakiness" in said


def test_a_page_is_written_and_named(shell: Shell) -> None:
    items(shell, range(10))
    run(shell)
    said = shell("compare", "--report", "deep/er/page.html")
    assert said.out.splitlines()[-1] == "report: deep/er/page.html"
    html = (shell.folder / "deep/er/page.html").read_text("utf-8")
    assert "high over low" in html
    assert "<script" not in html
    assert shell("compare", "--report", "b.html", "--json").json()["comparisons"]


def test_an_incomplete_run_is_compared_and_called_so(shell: Shell) -> None:
    items(shell, range(30))
    suite = shell.suite(SUITE.format(prompt="{{ input }}", efforts="low, high", epochs=1))
    shell("run", suite, "--simulate", "--no-report", "--max-requests", "40", code=4)
    found = shell("compare", "--json").json()
    assert any("is incomplete: 20 of 60 requests are missing" in note for note in found["notes"])


def test_power_says_what_more_items_would_show(shell: Shell) -> None:
    items(shell, range(30))
    run(shell)
    (plan,) = shell("power", "--json").json()
    assert [row["target"] for row in plan["rows"]] == [0.01, 0.02, 0.03, 0.05, 0.1]
    needed = [row["items"] for row in plan["rows"]]
    assert needed == sorted(needed, reverse=True)
    assert plan["item_cost"] > 0
    said = shell("power", "--difference", "3pp", "--difference", "7pp").out
    assert "3 points" in said
    assert "7 points" in said
    assert "3,923" in shell("power", "--flip-rate", "20%").out


def test_moving_limits_keep_latency_out_of_verdicts(shell: Shell) -> None:
    items(shell, range(40))
    text = SUITE.format(prompt="{{ input }}", efforts="low, high", epochs=1)
    suite = shell.suite(text.replace("limits: {concurrency: 8}\n", ""))
    shell("run", suite, "--simulate", "--no-report")
    found = shell("compare", "--json").json()
    latency = metric(found["comparisons"][0], "e2e_ms")
    assert latency["verdict"] == "decides nothing"
    assert latency["p_adjusted"] is None
    assert latency["withheld"].startswith("Its load changed while latency was measured")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["latst"], "no run 'latst' in .stepeval/runs (did you mean 'latest'?)"),
        (["latest:hihg"], "'hihg' (did you mean 'high'?)"),
        (["latest:high"], ":high is one arm: name another arm or run to compare it with"),
        (["latest:low", "latest:low"], "A and B are one and the same arm"),
        (["latest"] * 27, "27 runs are too many: 26 can be compared"),
        (["--difference", "2"], "--difference must be percentage points, such as 2pp"),
        (["--open"], "--open needs --report FILE"),
        (["../../etc/passwd"], "no run '../../etc/passwd'"),
        (["latest:" + "x" * 5000], "unknown arm of "),
    ],
)
def test_a_mistake_is_one_clear_sentence(shell: Shell, arguments: list[str], sentence: str) -> None:
    items(shell, range(2))
    run(shell)
    assert sentence in shell("compare", *arguments, code=2).err


def test_runs_without_an_item_or_an_arm_in_common_are_refused(shell: Shell) -> None:
    items(shell, range(3))
    first = run(shell, efforts="low")
    items(shell, range(10, 13))
    second = run(shell, efforts="low")
    said = shell("compare", first, second, code=2).err
    assert "A (3 answers) and B (3) have no item in common" in said
    third = run(shell, efforts="low, high")
    fourth = run(shell, "--model", "step-3.7-flash", "--model", "step-5-preview", efforts="low")
    said = shell("compare", third, fourth, code=2).err
    assert f"{third} and {fourth} have no arm of the same name (low, high; " in said
    assert "say which as RUN:ARM" in said


def test_a_load_benchmark_is_no_evaluation(shell: Shell) -> None:
    asked = ("--model", "m", "--input-tokens", "9", "--output-tokens", "9", "--requests", "8")
    shell("bench", "--simulate", "--no-report", *asked)
    assert "is a load benchmark" in shell("compare", code=2).err
