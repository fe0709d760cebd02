"""Arms, cells, their order and their names."""

import tracemalloc
from dataclasses import replace
from itertools import islice, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from suite_files import load_text

from stepeval.core.chat import Message
from stepeval.core.errors import SuiteError, UnknownName, UsageError
from stepeval.core.task import Arm, Prompt, Provider, Sample, Suite
from stepeval.suite.grid import Plan, Setting, cells, count_arms, expand_arms
from stepeval.suite.selection import select


def _suite(samples: int = 20, arms: int = 3, epochs: int = 2, seed: int = 0) -> Suite:
    return Suite(
        name="s",
        providers=(Provider("p", "https://api.stepfun.ai/v1"),),
        prompts=(Prompt("q", (Message("user", "{{ input }}"),)),),
        samples=tuple(Sample(f"s{n}", f"text {n}") for n in range(samples)),
        arms=tuple(Arm(f"a{n}", "p", "m", "q", {"temperature": n}) for n in range(arms)),
        epochs=epochs,
        seed=seed,
    )


def test_every_cell_is_there_once_and_arms_of_an_item_are_neighbours() -> None:
    suite = _suite()
    found = list(cells(suite))
    assert len(found) == suite.cell_count
    assert len({cell.id for cell in found}) == suite.cell_count
    for start in range(0, len(found), 3):
        item = found[start : start + 3]
        assert len({(cell.sample.id, cell.epoch) for cell in item}) == 1
        assert {cell.arm.name for cell in item} == {"a0", "a1", "a2"}


def test_the_order_is_random_and_the_seed_decides_it() -> None:
    order = [cell.id for cell in cells(_suite())]
    assert order == [cell.id for cell in cells(_suite())]
    other = [cell.id for cell in cells(_suite(seed=1))]
    assert order != other
    assert sorted(order) == sorted(other), "the seed changes the order, not what is asked"
    samples = [cell.sample.id for cell in cells(_suite(arms=1, epochs=1))]
    assert samples != sorted(samples)
    first_arms = {item.arm.name for item in islice(cells(_suite()), 0, None, 3)}
    assert len(first_arms) > 1, "no arm always goes first"


def test_cell_ids_hash_content_not_names_or_positions() -> None:
    suite = _suite()
    renamed = replace(
        suite,
        arms=tuple(replace(arm, name=f"new {arm.name}") for arm in reversed(suite.arms)),
        samples=tuple(
            replace(sample, metadata={"kind": "x"}) for sample in reversed(suite.samples)
        ),
    )
    assert {c.id for c in cells(suite)} == {c.id for c in cells(renamed)}


@pytest.mark.parametrize(
    "change",
    [
        {"providers": (Provider("p", "https://api.stepfun.com/v1"),)},
        {"prompts": (Prompt("q", (Message("user", "{{ input }}!"),)),)},
        {"prompts": (Prompt("q", (Message("user", "{{ input }}"),), ({"a": 1},)),)},
        {"prompts": (Prompt("q", (Message("user", "{{ input }}"),), (), {"a": 1}),)},
        {"arms": (Arm("a0", "p", "other", "q", {"temperature": 0}),)},
        {"arms": (Arm("a0", "p", "m", "q", {"temperature": 0.5}),)},
        {"samples": (Sample("s0", "changed"),)},
    ],
)
def test_each_part_of_the_content_changes_the_id(change: dict[str, object]) -> None:
    suite = _suite(samples=1, arms=1, epochs=1)
    assert next(cells(suite)).id != next(cells(replace(suite, **change))).id  # type: ignore[arg-type] # the table's values fit the fields they name


def test_a_million_cells_need_no_more_memory_than_a_few() -> None:
    suite = _suite(samples=1000, arms=10, epochs=100)
    assert suite.cell_count == 1_000_000
    stream = cells(suite)
    next(stream)
    tracemalloc.start()
    try:
        assert sum(1 for _ in islice(stream, 30_000)) == 30_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


@settings(deadline=None, max_examples=50)
@given(
    sizes=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4), max_size=4),
    combos=st.integers(1, 3),
)
def test_arms_are_counted_as_they_are_expanded(sizes: dict[str, int], combos: int) -> None:
    axes = {name: [Setting(n) for n in range(size)] for name, size in sizes.items()}
    plan = Plan({}, axes, combos=[{"z": Setting(n)} for n in range(combos)])
    drafts = list(expand_arms(plan))
    assert len(drafts) == count_arms(plan)
    seen = {tuple((k, s.value) for k, s in sorted(draft.settings.items())) for draft in drafts}
    assert len(seen) == len(list(product(*map(range, sizes.values())))) * combos


def test_a_limited_run_is_a_prefix_of_the_full_one() -> None:
    suite = _suite(epochs=1)
    limited = select(suite, limit=7)
    assert len(limited.samples) == 7
    full = [cell.id for cell in cells(suite)]
    assert [cell.id for cell in cells(limited)] == full[: 7 * 3]
    assert [s.id for s in limited.samples] != [f"s{n}" for n in range(7)], "a random subset"


def test_selecting_arms_keeps_the_order_of_the_rest() -> None:
    suite = _suite()
    some = select(suite, arms=["a2", "a0"], samples=["s3", "s4"])
    assert [arm.name for arm in some.arms] == ["a0", "a2"]
    kept = {cell.id for cell in cells(some)}
    assert [c.id for c in cells(some)] == [c.id for c in cells(suite) if c.id in kept]
    assert len(kept) == 2 * 2 * 2


def test_unknown_names_and_limits_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"unknown arm 'a9' .known: a0"):
        select(_suite(), arms=["a9"])
    with pytest.raises(UnknownName, match="unknown sample"):
        select(_suite(), samples=["zzz"])
    with pytest.raises(UsageError, match="at least 1"):
        select(_suite(), limit=0)


HEAD = "stepeval: 1\nname: x\ndataset: [{input: a}]\ndefaults: {model: m, temperature: 0.5}\n"


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        ("{}", ["m"]),
        ("{reasoning_effort: [low, high]}", ["low", "high"]),
        (
            "{reasoning_effort: [low, high], model: [a, b]}",
            ["a/low", "b/low", "a/high", "b/high"],
        ),
        ("{model: [a], reasoning_effort: [low]}", ["a"]),
        ("{temperature: [0, 1]}", ["temperature=0", "temperature=1"]),
        ("{reasoning_effort: [null, low]}", ["reasoning_effort=unset", "low"]),
        ("{arms: {cheap: {model: x}, dear: {model: y}}}", ["cheap", "dear"]),
        ("{model: [a, b], arms: {a: {temperature: 1}}}", ["a~2", "b", "a"]),
        (
            "{model: [a, b], include: [{model: c, temperature: 1}]}",
            ["a/temperature=0.5", "b/temperature=0.5", "c/temperature=1"],
        ),
        (
            "{model: [a, b], top_p: [0.1, 0.2], exclude: [{model: a, top_p: [0.2, 0.9]}]}",
            ["a/top_p=0.1", "b/top_p=0.1", "b/top_p=0.2"],
        ),
        ("{stop: ['1', 1]}", ["1", "stop=1"]),
    ],
)
def test_names_of_arms(grid: str, names: list[str], tmp_path: Path) -> None:
    assert [arm.name for arm in load_text(tmp_path, HEAD + f"grid: {grid}\n").suite.arms] == names


def test_null_means_not_sent(tmp_path: Path) -> None:
    arms = load_text(tmp_path, HEAD + "grid: {temperature: [null, 1]}\n").suite.arms
    assert [dict(arm.params) for arm in arms] == [{}, {"temperature": 1}]


def test_six_axes_of_fifty_values_fail_at_once(tmp_path: Path) -> None:
    axes = ", ".join(f"p{n}: {list(range(50))}" for n in range(6))
    with pytest.raises(SuiteError, match=r"15,625,000,000 arms .* more than max_cells"):
        load_text(tmp_path, HEAD + f"grid: {{{axes}}}\n")


def test_max_cells_counts_samples_and_epochs(tmp_path: Path) -> None:
    text = HEAD + "grid: {top_p: [0.1, 0.2]}\nepochs: 3\nlimits: {max_cells: 5}\n"
    with pytest.raises(SuiteError, match=r"x.yaml:5:1: 2 arms x 3 samples and epochs are 6"):
        load_text(tmp_path, text)
    assert load_text(tmp_path, text, max_cells=6).suite.cell_count == 6
