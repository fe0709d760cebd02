"""The file: whole, self-contained, equal for equal runs, and obedient to its own policy."""

import base64
import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import PAYLOADS, all_of, hostile_text
from report_runs import made_run

from stepeval.core.errors import StoreError
from stepeval.report.content import gather
from stepeval.report.page import render_page, write_page
from stepeval.report.text import cap, clean, columns, shorten


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.found if name == tag)


@pytest.fixture(scope="module")
def html() -> str:
    return render_page(gather(made_run(items=30)))


@pytest.fixture(scope="module")
def page(html: str) -> Elements:
    return Elements(html)


def test_every_element_is_closed_by_its_own_tag(page: Elements) -> None:
    assert page.open == []


def test_the_policy_allows_exactly_the_one_style_sheet(html: str, page: Elements) -> None:
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policies = [m["content"] for m in page.named("meta") if "http-equiv" in m]
    assert policies == [
        (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        )
    ]


def test_the_policy_comes_before_what_it_governs(html: str) -> None:
    assert html.index("Content-Security-Policy") < html.index("<style>")
    assert html.index("Content-Security-Policy") < html.index("<link")


def test_nothing_is_styled_or_handled_inline(page: Elements) -> None:
    for tag, attributes in page.found:
        assert tag not in {"script", "iframe", "object", "embed", "form", "base"}
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
    assert len(list(page.named("style"))) == 1


def test_ids_are_unique_and_every_reference_finds_its_own(page: Elements) -> None:
    ids = Counter(a["id"] for _, a in page.found if a.get("id"))
    assert [name for name, times in ids.items() if times > 1] == []
    for tag, attributes in page.found:
        href = attributes.get("href") or ""
        if tag in {"a", "use"}:
            assert href.startswith("#")
            assert href[1:] in ids
        for name in ("aria-labelledby",):
            assert set((attributes.get(name) or "").split()) <= set(ids)
        for value in attributes.values():
            for reference in re.findall(r"url\(#([^)]*)\)", value or ""):
                assert reference in ids


def test_nothing_is_fetched_from_anywhere(html: str, page: Elements) -> None:
    for _, attributes in page.found:
        for name in ("src", "srcset", "data", "action", "poster", "xlink:href"):
            assert name not in attributes
        href = attributes.get("href") or "#"
        assert href.startswith(("#", "data:image/svg+xml;base64,"))
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_every_drawing_is_named_or_hidden(page: Elements) -> None:
    for attributes in page.named("svg"):
        hidden = attributes.get("aria-hidden") == "true"
        assert hidden != (attributes.get("role") == "img" and "aria-labelledby" in attributes)


def test_every_chart_says_the_same_in_a_table(html: str) -> None:
    charts = re.findall("<figure>(.*?)</figure>", html, re.DOTALL)
    assert len(charts) == 5
    for chart in charts:
        assert 'role="img"' in chart
        assert "<table>" in chart


def test_headings_do_not_skip_a_level_downwards(page: Elements) -> None:
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_equal_runs_give_equal_bytes(html: str) -> None:
    assert render_page(gather(made_run(items=30))) == html


def test_a_simulated_run_says_so_in_title_header_and_banner(html: str) -> None:
    assert "<title>SIMULATED: " in html
    assert html.count("SIMULATED") >= 4


def test_data_is_text_and_nothing_else() -> None:
    """The hostile page has the elements of the plain one, and its strings as they are."""
    plain = Elements(render_page(gather(made_run(items=12))))
    hostile = Elements(render_page(gather(made_run(items=12, text=hostile_text()))))
    assert Counter(tag for tag, _ in hostile.found) == Counter(tag for tag, _ in plain.found)
    assert hostile.open == []
    said = "".join(hostile.texts)
    assert "<script>window.pwned=1</script>" in said
    assert "{{ 7*7 }}" in said


def test_every_payload_at_once_in_every_field_stays_text() -> None:
    html = render_page(gather(made_run(items=3, text=all_of)))
    Elements(html).named("script")
    assert "<script" not in html
    assert "<img" not in html
    html.encode("utf-8", "strict")


def test_a_page_holds_no_control_or_reordering_character() -> None:
    html = render_page(gather(made_run(items=2, text=all_of)))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_cleaning_twice_changes_nothing_more(payload: str) -> None:
    assert clean(clean(payload)) == clean(payload)


def test_texts_are_cut_with_a_sign() -> None:
    assert shorten("a  b\nc", 9) == "a b c"
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("x" * 10**6, 4) == "xxx…"
    assert cap("abc", 3) == ("abc", None)
    assert columns("a中") == 3


def test_a_page_is_written_whole_and_readable_as_the_umask_has_it(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "run.html"
    before = os.umask(0o027)
    try:
        write_page("<p>ü", path)
    finally:
        os.umask(before)
    assert path.read_bytes() == "<p>ü".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_writing_replaces_a_planted_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / "run.html"
    path.symlink_to(victim)
    write_page("page", path)
    assert victim.read_text() == "precious"
    assert not path.is_symlink()
    assert path.read_text() == "page"


def test_what_cannot_be_written_leaves_no_trace_and_says_where(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    path.mkdir()
    with pytest.raises(StoreError, match=r"the report cannot be written to .*run\.html"):
        write_page("page", path)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(StoreError):
        write_page("page", path / "a-file" / "x.html" / ("n" * 300))


def test_a_page_that_is_no_unicode_text_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    write_page("old", path)
    with pytest.raises(UnicodeEncodeError):
        write_page("\ud800", path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
