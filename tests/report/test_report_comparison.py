"""A comparison's page: its parts, its words, and nothing in it that data could take over."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from compared_rows import row, side
from hostile import all_of, hostile_text
from report_runs import MadeRun, made_run
from test_report_page import Elements

from stepeval.analysis.compare import compare
from stepeval.analysis.compared import Compared, flaky_sides, notes
from stepeval.analysis.compared_arm import compared_arms
from stepeval.analysis.flips import Flip, Flips, texts_of, with_texts
from stepeval.analysis.pairing import pair
from stepeval.analysis.rows import sample_rows
from stepeval.analysis.tiers import ladder
from stepeval.core.record import Mode
from stepeval.report.comparison import comparison_page
from stepeval.report.comparison_view import ComparisonPage
from stepeval.report.flakiness_section import flakiness_view
from stepeval.report.page import render_comparison


def tiers(run: MadeRun) -> Compared:
    """What ``compare RUN`` has of a run with two tiers."""
    names = [arm.name for arm in run.suite().arms]
    sides = list(compared_arms(run, names).values())
    found = compare([(sides[0], sides[1])])
    texts = texts_of(sample_rows(run), {p for f in _all(found[0].flips) for p in (f.a, f.b)})
    told = (replace(found[0], flips=with_texts(found[0].flips, texts, texts)),)
    return Compared(tuple(sides), told, (ladder(told),), tuple(flaky_sides(sides)), notes(told))


def _all(flips: Flips) -> Sequence[Flip]:
    return (*flips.gained, *flips.lost)


@pytest.fixture(scope="module")
def page() -> ComparisonPage:
    return comparison_page(tiers(made_run(items=60, arms=("low", "high"))))


def test_the_headline_is_the_advice_and_the_tiers_do_not_repeat_it(page: ComparisonPage) -> None:
    assert page.sentence.startswith("high over low: ")
    assert page.tiers is not None
    assert page.tiers.advice == ()


def test_every_flip_is_listed_with_what_only_one_arm_said(page: ComparisonPage) -> None:
    lost, gained = page.flips
    assert (lost.title, gained.title) == ("high lost", "high gained")
    for group in page.flips:
        assert int(group.count) == len(group.flips)
        for flip in group.flips:
            assert {flip.a_label, flip.b_label} & {"correct"}
            assert flip.stretches


def test_the_facts_add_up_to_the_items(page: ComparisonPage) -> None:
    facts = {fact.label: int(fact.value) for fact in page.facts}
    counted = ("Gained", "Lost", "Right in both", "Wrong in both")
    assert sum(facts[name] for name in counted) <= facts["Items in both"] == 60


def test_flips_of_repeated_runs_say_that_they_are_answers() -> None:
    rows = {
        n: [row(f"s{i}", float(i % n == 0), arm=n_, epoch=e) for i in range(9) for e in (0, 1)]
        for n, n_ in ((2, "a"), (3, "b"))
    }
    a, b = side(rows[2], "a"), side(rows[3], "b")
    told = compare([(a, b)])
    facts = {f.label: f for f in comparison_page(Compared((a, b), told, (), (), ())).facts}
    assert facts["Items in both"].value == "9"
    assert {facts[name].note for name in ("Gained", "Lost")} == {"of 18 answers"}


def test_tries_name_the_items_they_are_of() -> None:
    rows = [row(f"s{i}", 1.0, epoch=e) for i in range(9) for e in range(3) if i or e < 2]
    view = flakiness_view(tuple(flaky_sides([side(rows)])))
    assert view is not None
    assert [line[3].note for line in view.tables[0].rows] == ["of 8 whole items", "", ""]


def test_what_is_not_shown_is_hollow_and_faint(page: ComparisonPage) -> None:
    (part,) = page.parts
    for *_, cell in part.table.rows:
        shown = cell.text in {"better", "worse", "dearer", "cheaper", "more", "fewer", "slower"}
        assert cell.faint is not shown


def test_a_page_of_simulated_answers_says_so(page: ComparisonPage) -> None:
    html = render_comparison(page)
    assert "<title>SIMULATED: " in html
    assert 'role="note"' in html


def test_two_modes_are_both_named() -> None:
    run = made_run(items=12, arms=("low", "high"))
    live = replace(run, run_info=replace(run.run_info, id="other", mode=Mode.LIVE))
    (a, _), (_, b) = (compared_arms(r, ["low", "high"]).values() for r in (run, live))
    found = compare([(a, b)])
    page = comparison_page(Compared((a, b), found, (), (), notes(found)))
    assert page.mode == "LIVE + SIMULATED"
    assert page.title.startswith("LIVE + SIMULATED: ")
    assert page.caveats[0] == "low is SIMULATED, high is LIVE."


def test_equal_comparisons_give_equal_bytes(page: ComparisonPage) -> None:
    again = comparison_page(tiers(made_run(items=60, arms=("low", "high"))))
    assert render_comparison(again) == render_comparison(page)


def test_a_comparisons_elements_are_closed_and_its_references_found(page: ComparisonPage) -> None:
    elements = Elements(render_comparison(page))
    assert elements.open == []
    ids = Counter(a["id"] for _, a in elements.found if a.get("id"))
    assert [name for name, times in ids.items() if times > 1] == []
    for tag, attributes in elements.found:
        assert tag not in {"script", "iframe", "object", "embed", "form", "base"}
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        href = attributes.get("href") or "#"
        assert href.startswith(("#", "data:image/svg+xml;base64,"))
        if tag in {"a", "use"}:
            assert href[1:] in ids
    assert sum(tag == "use" for tag, _ in elements.found) > 0  # the marks of the forest plots


def test_hostile_texts_stay_text() -> None:
    """As in a run's report: the page has the elements of the plain one."""
    plain, hostile = (
        Elements(
            render_comparison(comparison_page(tiers(made_run(items=30, arms=arms, text=text))))
        )
        for arms, text in ((("low", "high"), str), (("low", "high"), hostile_text()))
    )
    counts = (Counter(tag for tag, _ in page.found) for page in (plain, hostile))
    left, right = ({t: n for t, n in c.items() if t not in {"del", "ins"}} for c in counts)
    assert left == right
    assert hostile.open == []


def test_every_payload_in_every_field_stays_text() -> None:
    html = render_comparison(
        comparison_page(tiers(made_run(items=8, arms=("low", "high"), text=all_of)))
    )
    assert "<script" not in html
    assert "<img" not in html
    html.encode("utf-8", "strict")


def test_no_item_in_common_is_a_page_too() -> None:
    one = made_run(items=3, arms=("low", "high"))
    (a, b) = compared_arms(one, ["low", "high"]).values()
    empty = replace(b, values=type(b.values)("high"))
    found = compare([(a, empty)])
    assert not pair(a.values, empty.values).keys
    page = comparison_page(Compared((a, empty), found, (), (), notes(found)))
    assert page.sentence == "high over low: no item was judged in both."
    render_comparison(page)
