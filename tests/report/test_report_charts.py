"""Charts show what they are given, in equal bytes for equal numbers, whatever names hold."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from hostile import PAYLOADS
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.report import charts, palette
from stepeval.report.canvas import ChartText
from stepeval.report.charts import Curve, Point, Span, Stack
from stepeval.report.placement import Box, place

TEXT = ChartText("c", "Title", "Description")
POINTS = (
    Point("low", 0, Span(1.0), Span(0.80, 0.74, 0.85)),
    Point("medium", 1, Span(3.0), Span(0.78, 0.72, 0.83)),
    Point("high", 2, Span(6.0, 5.0, 7.0), Span(0.92, 0.87, 0.95)),
)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("text")]


def tradeoff(points: tuple[Point, ...] = POINTS) -> str:
    return charts.tradeoff(points, ("cost", "right answers"), TEXT)


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    assert [point.name for point in charts.front(POINTS)] == ["low", "high"]


def test_of_two_equally_good_points_the_cheaper_is_on_the_front() -> None:
    twins = [Point("dear", 0, Span(2), Span(0.5)), Point("cheap", 1, Span(1), Span(0.5))]
    assert [point.name for point in charts.front(twins)] == ["cheap"]


numbers = st.floats(0, 1, allow_nan=False)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12))
def test_the_front_rises_and_covers_every_point(pairs: list[tuple[float, float]]) -> None:
    points = [Point(str(i), i, Span(x), Span(y)) for i, (x, y) in enumerate(pairs)]
    best = charts.front(points)
    for one, other in pairwise(best):
        assert one.x.value < other.x.value
        assert one.y.value < other.y.value
    for point in points:
        assert any(b.x.value <= point.x.value and b.y.value >= point.y.value for b in best)


def test_a_point_off_the_front_is_hollow() -> None:
    uses = [use.get("class") for use in ET.fromstring(tradeoff()).iter("use")]
    assert uses == ["f-s0 k-s0", "f-paper k-s1", "f-s2 k-s2"]


def test_equal_numbers_give_equal_bytes() -> None:
    assert tradeoff() == tradeoff()


def test_the_users_own_matplotlib_settings_do_not_reach_a_chart() -> None:
    plain = tradeoff()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert tradeoff() == plain


NAMES = (*PAYLOADS, "", "x" * 500, "\n\t", "\ud800")


@pytest.mark.parametrize("first", range(0, len(NAMES), 5))
def test_any_name_is_shown_as_text_and_draws_no_warning(first: int) -> None:
    names = [*NAMES[first : first + 5], "other"]
    points = (Point(name, i, Span(1 + i), Span(0.5 + i / 100)) for i, name in enumerate(names))
    svg = tradeoff(tuple(points))
    assert {element.tag for element in ET.fromstring(svg).iter()} <= {
        *("svg", "title", "desc", "defs", "g", "path", "clipPath", "rect", "use", "text")
    }
    assert "other" in texts(svg)
    assert len(texts(svg)) >= len(names)


def test_of_many_points_only_the_front_is_named() -> None:
    many = [Point(f"arm {i}", i, Span(i + 1.0), Span(0.5 - i / 100)) for i in range(9)]
    assert [text for text in texts(tradeoff(tuple(many))) if text.startswith("arm")] == ["arm 0"]


def test_names_are_never_read_as_formulas() -> None:
    assert "$x^2$" in texts(tradeoff((Point("$x^2$", 0, Span(1), Span(0.5)),)))


@pytest.mark.parametrize("value", [0.0, 1e-9, 1.0])
def test_one_point_at_an_end_of_the_scale_is_a_chart(value: float) -> None:
    assert "only" in texts(tradeoff((Point("only", 0, Span(value), Span(value)),)))


def test_a_wide_range_is_logarithmic_and_a_narrow_one_starts_at_zero() -> None:
    wide = charts.ecdf([Curve("a", 0, [0.1, 1, 40])], "seconds", TEXT)
    narrow = charts.ecdf([Curve("a", 0, [1, 2, 3])], "seconds", TEXT)
    assert "0" in texts(narrow)
    assert "0" not in texts(wide)
    assert {"0.1", "1", "10"} <= set(texts(wide))


def test_a_curve_of_many_values_stays_small() -> None:
    svg = charts.ecdf([Curve("a", 0, [i / 1000 for i in range(1, 50_000)])], "seconds", TEXT)
    assert len(svg) < 30_000


def test_bars_say_their_sums_and_zero_is_a_bar() -> None:
    bars = [Stack("a", (1200.0, 34.0), 1234.0), Stack("b", (0.0, 0.0), 0.0)]
    svg = charts.stacks(bars, [palette.series(0), palette.series(1)], "tokens", TEXT)
    assert {"1,234", "0", "a", "b"} <= set(texts(svg))


def test_names_keep_clear_of_each_other() -> None:
    bounds = Box(0, 0, 400, 300)
    spots = place([(100, 100), (104, 102)], [10, 10], [], bounds)
    assert spots[0] != spots[1]


def test_a_name_at_the_right_edge_stands_left_of_its_point() -> None:
    (spot,) = place([(395, 100)], [10], [], Box(0, 0, 400, 300))
    assert spot.align == "right"
