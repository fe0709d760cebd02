"""The page in a real browser: it asks for nothing, runs nothing, and can be read."""

import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hostile import PAYLOADS, all_of, hostile_text
from load_runs import made_load_run
from PIL import Image
from playwright.sync_api import Browser, Dialog, Page, Request, sync_playwright
from report_runs import Text, made_run
from test_report_comparison import tiers

from stepeval.core.load import Health
from stepeval.report.comparison import comparison_page
from stepeval.report.content import gather
from stepeval.report.page import render_comparison, render_page, write_page

_CONTRAST = 4.5
_NAMES = "Array.from(document.querySelectorAll('*'), e => e.tagName)"
# Without the insides of charts, whose axes have as many ticks as the names leave room for.
_ELEMENTS = "Array.from(document.querySelectorAll(':not(svg *)'), e => e.tagName).sort()"
# Every element with text of its own, its colour, and the nearest background that is painted.
_PAINTED = """() => {
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const lum = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.getClientRects().length || ['title', 'desc'].includes(e.tagName)) continue;
    const style = getComputedStyle(e);
    const ink = parse(e instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [lum(ink), lum(behind(e))].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), e.tagName + '.' + (e.getAttribute('class') || ''),
                e.textContent.slice(0, 40)]);
  }
  return found;
}"""


@dataclass
class Watched:
    """A page, and everything it did that a report must not do."""

    page: Page
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    @property
    def quiet(self) -> bool:
        return not (self.requests or self.dialogs or self.console)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("these tests open the report in Chromium: install it as `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One report of each kind, written once."""
    made = tmp_path_factory.mktemp("reports")
    texts: dict[str, Text] = {"plain": str, "hostile": hostile_text(), "all": all_of}
    for name, text in texts.items():
        run = made_run(items=24, text=text)
        write_page(render_page(gather(run)), made / f"{name}.html")
        compared = comparison_page(tiers(made_run(items=24, arms=("low", "high"), text=text)))
        write_page(render_comparison(compared), made / f"compared-{name}.html")
    busy = (Health((30_000,) * 1000, 11.9, 12.0),)
    load = made_load_run(arms=(PAYLOADS[0], PAYLOADS[2]), repeats=2, health=busy)
    write_page(render_page(gather(load)), made / "load.html")
    return made


def opened(browser: Browser, path: Path, **context: Any) -> Watched:
    page = browser.new_page(**context)
    watched = Watched(page)
    address = path.as_uri()

    def note_request(request: Request) -> None:
        if request.url.partition("#")[0] != address:
            watched.requests.append(request.url)

    def note_dialog(dialog: Dialog) -> None:
        watched.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("request", note_request)
    page.on("dialog", note_dialog)
    page.on("console", lambda message: watched.console.append(message.text))
    page.on("pageerror", lambda error: watched.console.append(str(error)))
    page.goto(address)
    return watched


def poke(page: Page) -> None:
    """Opens everything and moves over it, as a reader does and a payload waits for."""
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    for place in range(0, 4000, 400):
        page.mouse.move(300, 400)
        page.mouse.wheel(0, place)
    page.keyboard.press("Tab")
    page.wait_for_timeout(200)


@pytest.mark.parametrize(
    "name",
    ["plain", "hostile", "all", "load", "compared-plain", "compared-hostile", "compared-all"],
)
def test_the_report_asks_for_nothing_and_runs_nothing(
    browser: Browser, folder: Path, name: str
) -> None:
    watched = opened(browser, folder / f"{name}.html")
    poke(watched.page)
    assert watched.quiet, watched
    assert watched.page.evaluate("window.pwned") is None
    assert watched.page.evaluate("document.scripts.length") == 0
    assert watched.page.evaluate("document.styleSheets.length") == 1
    watched.page.close()


@pytest.mark.parametrize("name", ["hostile", "all"])
def test_no_element_comes_from_data(browser: Browser, folder: Path, name: str) -> None:
    """The parser that counts is the browser's: it finds the elements of the plain page."""
    plain = opened(browser, folder / "plain.html")
    hostile = opened(browser, folder / f"{name}.html")
    if name == "hostile":
        assert hostile.page.evaluate(_ELEMENTS) == plain.page.evaluate(_ELEMENTS)
    assert set(hostile.page.evaluate(_NAMES)) <= set(plain.page.evaluate(_NAMES))
    plain.page.close()
    hostile.page.close()


def test_the_policy_stops_what_the_escaping_would_miss(browser: Browser, tmp_path: Path) -> None:
    """Markup smuggled past the escaping still neither runs, styles nor loads."""
    html = render_page(gather(made_run(items=2)))
    smuggled = "<script>window.pwned=1</script><p id=x style='color:red'><img src=//evil.example>"
    path = tmp_path / "smuggled.html"
    path.write_text(html.replace("</main>", f"{smuggled}</main>"), "utf-8")
    watched = opened(browser, path)
    assert watched.page.evaluate("window.pwned") is None
    assert watched.page.evaluate("getComputedStyle(x).color") != "rgb(255, 0, 0)"
    assert any("Content Security Policy" in message for message in watched.console)
    watched.page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["plain", "load", "compared-plain"])
def test_every_text_stands_out_from_what_is_behind_it(
    browser: Browser, folder: Path, scheme: str, name: str
) -> None:
    watched = opened(browser, folder / f"{name}.html", color_scheme=scheme)
    watched.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    painted = watched.page.evaluate(_PAINTED)
    assert len(painted) > 200
    assert [found for found in painted if found[0] < _CONTRAST] == []
    watched.page.close()


def brightness(picture: bytes) -> tuple[float, int]:
    """Mean of all pixels, and how many different colours there are."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    pixels = image.resize((64, 64)).tobytes()
    return sum(pixels) / len(pixels), len(image.getcolors(1 << 24) or ())


def test_light_and_dark_are_two_pictures(browser: Browser, folder: Path) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        watched = opened(browser, folder / "plain.html", color_scheme=scheme)
        seen[scheme] = brightness(watched.page.screenshot())
        watched.page.close()
    assert seen["light"][0] > 200
    assert seen["dark"][0] < 80
    assert min(colours for _, colours in seen.values()) > 100


@pytest.mark.parametrize("width", [400, 768, 1440])
@pytest.mark.parametrize("name", ["plain", "all", "load", "compared-plain", "compared-all"])
def test_only_tables_scroll_sideways(browser: Browser, folder: Path, width: int, name: str) -> None:
    size = {"width": width, "height": 900}
    watched = opened(browser, folder / f"{name}.html", viewport=size)
    watched.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    watched.page.close()


@pytest.mark.parametrize("name", ["plain", "compared-plain"])
def test_a_printed_page_has_every_column_on_it(browser: Browser, folder: Path, name: str) -> None:
    """An A4 page between its margins is 718 pixels wide, and nobody can scroll it."""
    size = {"width": 718, "height": 1000}
    watched = opened(browser, folder / f"{name}.html", viewport=size)
    watched.page.emulate_media(media="print")
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    watched.page.close()


def test_the_header_stays_and_says_simulated(browser: Browser, folder: Path) -> None:
    watched = opened(browser, folder / "plain.html")
    watched.page.evaluate("window.scrollTo({top: 3000, behavior: 'instant'})")
    box = watched.page.locator("header .mode").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 60
    assert watched.page.locator("header .mode").inner_text() == "SIMULATED"
    assert watched.page.title().startswith("SIMULATED: ")
    watched.page.close()


def test_a_lapse_opens_its_sample_without_a_script(browser: Browser, folder: Path) -> None:
    watched = opened(browser, folder / "plain.html")
    link = watched.page.locator("details.group[open] a").first
    target = (link.get_attribute("href") or "").removeprefix("#")
    link.click()
    inside = watched.page.locator(f"[id='{target}']")
    inside.wait_for(state="visible")
    assert watched.page.evaluate(f"document.getElementById('{target}').parentElement.open")
    watched.page.close()


@pytest.mark.parametrize(("name", "drawings"), [("plain", 5), ("load", 11)])
def test_every_drawing_has_a_name_or_is_hidden_from_who_hears(
    browser: Browser, folder: Path, name: str, drawings: int
) -> None:
    watched = opened(browser, folder / f"{name}.html")
    unnamed = watched.page.evaluate(
        "Array.from(document.querySelectorAll('svg')).filter(s => !(s.ariaHidden === 'true' || "
        "(s.querySelector('title') && s.getAttribute('role') === 'img'))).length"
    )
    assert unnamed == 0
    assert watched.page.locator("figure > svg").count() == drawings
    watched.page.close()


_OUT_OF_VIEW = """Array.from(document.querySelectorAll('nav a'), a => a.getBoundingClientRect())
  .filter(r => r.left < 0 || r.right > innerWidth).length"""
# For each name in sight: whether its first line is level with its colour, and its height in lines.
_NAMED = """Array.from(document.querySelectorAll('tbody .named > span'))
  .filter(e => e.getClientRects().length).map(e => {
    const range = document.createRange(); range.selectNodeContents(e);
    const swatch = e.previousElementSibling.getBoundingClientRect();
    const first = range.getClientRects()[0];
    return [e.textContent, swatch.bottom > first.top && swatch.top < first.bottom,
            Math.round(e.offsetHeight / first.height)]; })"""


@pytest.mark.parametrize("width", [400, 1200])
def test_an_arm_of_one_word_stays_whole_beside_its_colour(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    path = tmp_path / "long.html"
    arms = ("reasoning_effort_medium", "a long name of several words")
    write_page(render_page(gather(made_run(items=6, arms=arms))), path)
    watched = opened(browser, path, viewport={"width": width, "height": 900})
    named = watched.page.evaluate(_NAMED)
    assert {name for name, _, _ in named} == set(arms)
    assert all(level for _, level, _ in named)
    assert {lines for name, _, lines in named if name == arms[0]} == {1}
    assert watched.page.evaluate(_OUT_OF_VIEW) == 0
    watched.page.close()
