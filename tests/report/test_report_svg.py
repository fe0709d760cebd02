"""Charts enter the page without a style, a script or a reference to anything outside of it."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepeval.report.svg import Dressing, declarations, inline, presentation

DRESSING = Dressing("c", "Title", "Description", {"#0a0000": "s0"}, {"@0nn": "</svg><b>"})


def dressed(body: str, dressing: Dressing = DRESSING) -> ET.Element:
    source = (
        '<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" viewBox="0 0 9 9">{body}</svg>'
    )
    return ET.fromstring(inline(source, dressing))


def test_a_style_attribute_becomes_presentation_attributes() -> None:
    (path,) = dressed('<path d="M 0 0" style="fill: none; stroke-width: 2; mix-blend-mode: x"/>')[
        2:
    ]
    assert path.attrib == {"d": "M 0 0", "fill": "none", "stroke-width": "2"}


def test_stand_in_colours_become_classes_of_the_page() -> None:
    (path,) = dressed('<path style="fill: #0A0000; stroke: #0a0000"/>')[2:]
    assert path.attrib == {"class": "f-s0 k-s0"}


def test_a_stand_in_text_becomes_the_name_and_stays_text() -> None:
    (text,) = dressed("<text>@0nn</text>")[2:]
    assert text.text == "</svg><b>"
    assert not list(text)


@pytest.mark.parametrize(
    "element",
    [
        "<style>*{}</style>",
        "<script>1</script>",
        "<metadata>x</metadata>",
        "<image/>",
        "<foreignObject/>",
        "<a><text>x</text></a>",
        "<animate/>",
    ],
)
def test_an_element_that_is_not_listed_does_not_come_through(element: str) -> None:
    assert [child.tag for child in dressed(element)] == ["title", "desc"]


@pytest.mark.parametrize(
    "attribute",
    [
        'onload="x"',
        'href="https://evil.example/"',
        'xlink:href="//evil.example/"',
        'clip-path="url(https://evil.example/#x)"',
        'style="fill: url(https://evil.example/)"',
        'style="clip-path: url(//evil.example/#a) url(#b)"',
    ],
)
def test_a_handler_or_outer_reference_is_dropped(attribute: str) -> None:
    (use,) = dressed(f"<use {attribute}/>")[2:]
    assert use.attrib == {}


def test_ids_are_unique_per_chart_and_references_follow_them() -> None:
    root = dressed(
        '<defs><clipPath id="p1"><rect/></clipPath><path id="m1"/></defs><g id="idle"/>'
        '<use xlink:href="#m1" clip-path="url(#p1)"/>'
    )
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert ids == ["c-title", "c-desc", "c-p1", "c-m1"]
    assert root[-1].attrib == {"href": "#c-m1", "clip-path": "url(#c-p1)"}


def test_the_element_says_what_it_shows() -> None:
    root = dressed("", Dressing("c", "<i>\x00T", "&D", {}, {}))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "c-title c-desc"
    assert [child.text for child in root] == ["<i>T", "&D"]
    assert "width" not in root.attrib


@pytest.mark.parametrize(
    ("style", "found"),
    [
        ("", []),
        (";;", []),
        ("fill", []),
        ("fill:", []),
        ("FILL: Red", [("fill", "Red")]),
        ("a: url(x;y); b: 1", [("a", "url(x;y)"), ("b", "1")]),
        ("font: 9px 'a;b', \"c'd;\"; x: y", [("font", "9px 'a;b', \"c'd;\""), ("x", "y")]),
        ("a: ); b: 1", [("a", ")"), ("b", "1")]),
    ],
)
def test_declarations_end_where_css_ends_them(style: str, found: list[tuple[str, str]]) -> None:
    assert list(declarations(style)) == found


@pytest.mark.parametrize(
    ("font", "found"),
    [
        ("9px 'sans-serif'", {"font-size": "9px"}),
        ("600 11px/1.2 'x'", {"font-weight": "600", "font-size": "11px"}),
        (
            "italic bold 7.5px x",
            {"font-style": "italic", "font-weight": "bold", "font-size": "7.5px"},
        ),
    ],
)
def test_a_font_keeps_its_size_but_not_its_family(font: str, found: dict[str, str]) -> None:
    assert presentation(f"font: {font}") == found


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab:;()'\"#url 1", max_size=40))
def test_any_style_is_taken_apart_without_an_error(style: str) -> None:
    for name, value in declarations(style):
        assert name == name.strip()
        assert value
