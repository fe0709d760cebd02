"""What `compare` and `power` print, letter by letter, for arms made by hand."""

from dataclasses import replace
from pathlib import Path

import pytest
from compared_rows import row, side

from stepeval.analysis.columns import SampleRow
from stepeval.analysis.compare import compare
from stepeval.analysis.compared import Compared, flaky_sides, notes
from stepeval.analysis.compared_arm import ComparedArm
from stepeval.analysis.flips import texts_of, with_texts
from stepeval.analysis.tiers import ladder
from stepeval.api.power import plan_flips
from stepeval.cli.compare_tables import print_compared, print_power
from stepeval.report.differences import part

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TERM", "dumb")


def golden(name: str, said: str) -> None:
    """``said`` is what the file holds; spaces at the ends of lines do not count."""
    lines = [line.rstrip() for line in said.splitlines()]
    assert lines == (GOLDEN / name).read_text("utf-8").splitlines()


def tier(name: str, right: int, cost: float, ms: float) -> tuple[ComparedArm, list[SampleRow]]:
    """Of 40 items, each asked twice; the second run of every fifth goes wrong."""
    rows = [
        row(
            f"item-{n:02d}",
            float(n < right and not (epoch and n % 5 == 0)),
            arm=name,
            epoch=epoch,
            text=f"The answer is {n if n < right and not (epoch and n % 5 == 0) else 'unknown'}.",
            original_cost=cost * (1 + n % len(name) / 10),
            output_tokens=int(100 * cost * (1 + n % (3 + len(name)))),
            e2e_ms=ms * (1 + n % (5 + len(name)) / 20),
        )
        for n in range(40)
        for epoch in range(2)
    ]
    return side(rows, name, params={"reasoning_effort": name}), rows


def compared(unfit: str | None = None) -> Compared:
    (low, low_rows), (high, high_rows) = tier("low", 20, 1.0, 300), tier("high", 32, 2.5, 900)
    low = replace(low, unfit=unfit)
    (found,) = compare([(low, high)])
    places = {p for f in (*found.flips.gained, *found.flips.lost) for p in (f.a, f.b)}
    told = with_texts(found.flips, texts_of(low_rows, places), texts_of(high_rows, places))
    found = replace(found, flips=told)
    sides = (low, high)
    return Compared(sides, (found,), (ladder([found]),), tuple(flaky_sides(sides)), notes([found]))


def test_a_comparison_of_tiers(capsys: pytest.CaptureFixture[str]) -> None:
    print_compared(compared(), 2)
    golden("compare.txt", capsys.readouterr().out)


def test_latency_that_decides_nothing_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    print_compared(compared("Its load changed while latency was measured."), 0)
    said = capsys.readouterr().out
    assert "warning: latency decides nothing. Its load changed while latency was measured." in said
    line = next(line for line in said.splitlines() if line.startswith("whole answer "))
    assert line.rstrip().endswith("decides nothing")


def test_hostile_texts_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b]0;pwned\x07\x1b[2J\u202e\r\n"
    left = [row(f"{evil}{n}", 1.0, text=f"{evil} one") for n in range(4)]
    right = [row(f"{evil}{n}", 0.0, text=f"{evil} two", cell_id=f"b{n}") for n in range(4)]
    a, b = side(left, f"a{evil}"), side(right, f"b{evil}")
    (found,) = compare([(a, b)])
    places = {p for f in found.flips.lost for p in (f.a, f.b)}
    told = with_texts(found.flips, texts_of(left, places), texts_of(right, places))
    found = replace(found, flips=told)
    print_compared(Compared((a, b), (found,), (), (), notes([found])), 5)
    said = capsys.readouterr().out
    assert "one" in said
    assert not set(said) & {"\x1b", "\x07", "\u202e", "\r"}


def test_the_items_a_difference_takes(capsys: pytest.CaptureFixture[str]) -> None:
    """Connor's formula by hand: 20% of flips and 5 points take 626 items."""
    print_power(plan_flips(0.2, (0.02, 0.05)))
    golden("power.txt", capsys.readouterr().out)


def test_so_few_items_that_no_difference_could_show_say_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A share cannot differ by 250 points, which is what the formula asks of three items."""
    (plan,) = plan_flips(0.8, (0.02,))
    few = replace(plan, title="b over a", rows=(replace(plan.rows[0], have=3, detectable=2.5),))
    print_power([few])
    assert "b over a: 3 items, too few to show any difference" in capsys.readouterr().out


def test_a_verdict_names_its_own_arm_and_tries_their_items(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of three runs A, B and C a column "B is" would stand below "C over A"."""
    rows = [row(f"s{i}", 1.0, epoch=e) for i in range(9) for e in range(3) if i or e < 2]
    a, c = side(rows, "a", run_id="A"), side(rows, "a", run_id="C")
    a, c = replace(a, name="A"), replace(c, name="C")
    found = compare([(a, c)])
    print_compared(Compared((a, c), found, (), tuple(flaky_sides([a, c])), ()), 0)
    said = capsys.readouterr().out
    assert "C is" in said
    assert "B is" not in said
    assert "A: k runs are drawn from the 8 items with all 3 runs" in said


def test_each_cost_stands_in_its_own_currency(capsys: pytest.CaptureFixture[str]) -> None:
    a = side([row(f"s{n}", original_cost=2.0 + n) for n in range(3)], "a")
    b = side([row(f"s{n}", currency="CNY", original_cost=7.0 + n) for n in range(3)], "b")
    told = Compared((a, b), compare([(a, b)]), (), (), ())
    print_compared(told, 0)
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("cost"))
    assert "USD" in line
    assert "CNY" in line
    costs = part(told.comparisons[0]).table.rows[1]
    assert "$" in costs[2].text
    assert "$" not in costs[3].text
