"""Pages in a real browser, wide and narrow, light and dark: no error, nothing cut off or pale, nobody asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.browser import Browser
from tests.builders.report_pages import HOSTILE, KINDS

LEGIBLE = 4.5
"""Contrast of text and ground that WCAG 2 asks for (AA)."""

OPEN = "document.querySelectorAll('details').forEach(one => one.open = true)"

TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

CUT_OFF = """
[...document.querySelectorAll('body *')].filter(one => {
  const box = one.getBoundingClientRect()
  return !one.closest('.scroll, pre, svg') && box.width && (box.right > innerWidth + 1 || box.left < -1)
}).map(one => one.outerHTML.slice(0, 80))
"""

PALE = """
(() => {
  const read = text => { const n = text.match(/[-\\d.e]+/g).map(Number), k = text.startsWith('color(') ? 1 : 255
    return [n[0] / k, n[1] / k, n[2] / k, n.length > 3 ? n[3] : 1] }
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1)
  const ground = one => { const own = read(getComputedStyle(one).backgroundColor)
    return own[3] === 1 || !one.parentElement ? own : over(own, ground(one.parentElement)) }
  const light = c => { const [r, g, b] = c.slice(0, 3).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b }
  const found = []
  for (const one of document.querySelectorAll('body *')) {
    if (![...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) || one.closest('title')) continue
    const style = getComputedStyle(one), plot = one.closest('svg')
    const ink = read(plot ? style.fill : style.color), paper = ground(plot || one)
    const [low, high] = [light(over(ink, paper)), light(paper)].sort((a, b) => a - b)
    const contrast = (high + 0.05) / (low + 0.05)
    if (contrast < LEGIBLE) found.push(contrast.toFixed(2) + ' ' + one.outerHTML.slice(0, 80))
  }
  return found
})()
""".replace("LEGIBLE", str(LEGIBLE))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests of the file."""
    with Browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


def flaws(browser: Browser, page: Path, width: int, dark: bool) -> list[str]:
    """What is wrong with a page in a window of this width."""
    browser.open(page, width=width, dark=dark)
    browser.run(OPEN)
    found = [f"console: {text}" for text in browser.console]
    found += [f"asks for {address}" for address in browser.asked if address not in (page.as_uri(), "data:,")]
    found += ["wider than the window"] if browser.run(TOO_WIDE) > 0 else []
    found += [f"cut off: {text}" for text in browser.run(CUT_OFF)]
    return found + [f"pale: {text}" for text in browser.run(PALE)]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_without_a_flaw(kind: str, width: int, dark: bool, browser: Browser, pages: dict[str, Path]) -> None:
    assert flaws(browser, pages[kind], width, dark) == []
    assert "How it was made" in browser.run("document.body.innerText")
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (not dark)


@pytest.mark.parametrize("width", [390, 1400])
def test_names_of_profiles_break_between_strategies_only(width: int, browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["tournament"], width=width, dark=False)
    browser.run(OPEN)
    broken = "[...document.querySelectorAll('.piece')].filter(one => one.getClientRects().length > 1).length"
    assert "1-truth." in browser.run("[...document.querySelectorAll('.piece')].map(one => one.textContent)")
    assert browser.run(broken) == 0
    browser.run("document.querySelectorAll('.piece').forEach(one => one.style.whiteSpace = 'normal')")
    browser.run("document.querySelectorAll('.who').forEach(one => one.style.cssText = 'min-width: 0; width: 1px')")
    browser.run("document.querySelectorAll('.who').forEach(one => one.style.maxWidth = '3em')")
    assert browser.run(broken) > 0


@pytest.mark.parametrize("width", [390, 1400])
def test_odd_names_spoil_nothing(width: int, browser: Browser, odd_pages: list[Path]) -> None:
    for page in odd_pages:
        assert flaws(browser, page, width, dark=False) == []


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (HOSTILE, "console: "),
        ("<img src='https://example.org/x.png'>", "asks for https"),
        ("<div style='width: 500px'>wide</div>", "wider than the window"),
        ("<div style='overflow: hidden'><p style='width: 500px'>cut</p></div>", "cut off: "),
        ("<p style='color: #aaa'>pale</p>", "pale: "),
        ("<svg><text style='fill: #bbb' y='9'>pale</text></svg>", "pale: "),
    ],
)
def test_the_browser_would_tell(body: str, flaw: str, browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    head = "<!doctype html><link rel='icon' href='data:,'><body style='background: white; color: black'>"
    page.write_text(f"{head}{body}</body>", encoding="utf-8")
    assert any(text.startswith(flaw) for text in flaws(browser, page, 390, dark=False))


def test_it_prints_in_black_on_white_with_everything_open(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["stress"], width=1000, dark=True)
    browser.ask(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert browser.run(PALE) == []
    closed = "[...document.querySelectorAll('details:not([open]) pre')].filter(one => !one.checkVisibility()).length"
    assert browser.run(closed) == 0
    browser.ask("Emulation.setEmulatedMedia", media="")
    assert browser.run(closed) > 0


def test_a_click_on_a_heading_sorts_and_words_filter(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["stress"], width=1400, dark=False)
    browser.run(OPEN)
    rows = "[...document.querySelectorAll('details .sortable')].at(-1).tBodies[0].rows"
    exact = f"[...{rows}].filter(row => !row.hidden).map(row => Number(row.cells[4].dataset.value))"
    press = "[...document.querySelectorAll('details .sortable')].at(-1).tHead.rows[0].cells[4].firstChild.click()"
    count = len(browser.run(exact))
    for down in (True, False):
        browser.run(press)
        assert browser.run(exact) == sorted(browser.run(exact), reverse=down)
    field = "[...document.querySelectorAll('input[type=search]')].at(-1)"
    browser.run(f"{field}.value = 'linked one-shot'; {field}.dispatchEvent(new Event('input'))")
    assert 0 < len(browser.run(exact)) < count
    told = browser.run(f"[...{rows}].filter(row => !row.hidden).map(row => row.textContent)")
    assert all("linked" in row and "one-shot" in row for row in told)
    assert browser.console == []


def test_without_its_script_the_page_says_the_same(browser: Browser, pages: dict[str, Path]) -> None:
    said = "[...document.querySelectorAll('main td')].map(cell => cell.textContent)"
    browser.open(pages["tournament"])
    whole = browser.run(said)
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(pages["tournament"])
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.run("document.querySelectorAll('th button, input').length") == 0
    assert browser.run(said) == whole


@pytest.mark.parametrize("kind", KINDS)
def test_text_tables_and_pictures_have_one_measure(kind: str, browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages[kind], width=1400, dark=False)
    browser.run(OPEN)
    widths = browser.run(
        "[...document.querySelectorAll('main > p, section > p, section > .scroll > table, section > .scroll > svg')]"
        ".filter(one => one.checkVisibility()).map(one => Math.round(one.getBoundingClientRect().width))"
    )
    assert len(set(widths)) == 1, "nothing narrower, nothing clipped"


def test_on_a_narrow_screen_every_figure_has_its_heading(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["stress"], width=390, dark=False)
    browser.run(OPEN)
    outside = (
        "[...document.querySelectorAll('.stack td')].filter(one => one.getBoundingClientRect().right > 391).length"
    )
    assert browser.run(outside) == 0
    label = "getComputedStyle(document.querySelectorAll('.stack td[data-value]')[0], '::before').content"
    assert browser.run(label) == '"one-shot"'
    browser.open(pages["stress"], width=1400, dark=False)
    assert browser.run(label) == "none"


def test_an_interval_is_said_when_pointed_at_and_printed(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["stress"], width=1400, dark=False)
    cells = "[...document.querySelectorAll('td.hot')].filter(one => one.title)"
    assert all("±" in said for said in browser.run(f"{cells}.map(one => one.title)"))
    heights = f"{cells}.map(one => Math.round(one.getBoundingClientRect().height))"
    assert max(browser.run(heights)) < 40, "one line"
    assert "±" not in browser.run(f"{cells}[0].innerText")
    browser.ask("Emulation.setEmulatedMedia", media="print")
    assert "±" in browser.run(f"{cells}[0].innerText")
    browser.ask("Emulation.setEmulatedMedia", media="")
