"""Pictures of every page, to be looked at: `.venv/bin/python tests/e2e/screenshots.py --data .local --out /tmp/pictures` beside a `roadwatch up --demo`.

Each page in both languages, both themes and three sizes; `--only handover,alert` and `--sizes 1366x768` take fewer. Told besides is what no eye
should have to find: texts wider than their box that no ellipsis shortens, and pages that scroll sideways.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
SIZES = ("1366x768", "1920x1080", "3840x2160")
LANGUAGES, THEMES = ("zh", "en"), ("dark", "light")
SETTLED_MS, MOST_MS = 1500, 20_000
DRAWN = """() => {
  if (!document.querySelector("h1, .wall-page") || document.querySelector(".spinner")) return false;
  const count = document.querySelector(".legend .number");
  return count ? !/(^|\\D)0(\\D|$)/.test(count.textContent) : !document.querySelector(".live-page, .wall-page");
}"""
"""The page is there, and where it has a map of all vehicles, vehicles are on it."""
ASK = "async (path) => (await (await fetch(path)).json()).items?.[0]"
CLIPPED = """() => {
  const found = new Set();
  if (document.documentElement.scrollWidth > innerWidth) found.add("the page scrolls sideways");
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
  for (let one = walker.currentNode; one; one = walker.nextNode()) {
    const style = getComputedStyle(one);
    const text = [...one.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    if (!text || !one.clientWidth || one.closest(".hidden-text, svg, .map-holder") || style.display === "inline") continue;
    if (one.scrollWidth > one.clientWidth + 1 && style.textOverflow !== "ellipsis" && one.tagName !== "SELECT") found.add(`${one.className || one.tagName}: ${one.textContent.slice(0, 40)}`);
  }
  return [...found];
}"""

PREFER = """([language, theme]) => {
  localStorage.setItem("language", language);
  localStorage.setItem("theme", theme);
  localStorage.setItem("welcomed", "1");
  sessionStorage.setItem("purpose", "2026-11-26 G6");
}"""


def login_of(data: Path, login: str) -> tuple[str, str]:
    """Login and password of one of the demo's accounts."""
    lines = (data / "logins").read_text().splitlines()
    return next((words[0], words[1]) for words in map(str.split, lines) if words[0] == login)


def paths_of(page: Page) -> dict[str, str]:
    """The pages by name; an alert and a vehicle as the demo has them."""
    alert = page.evaluate(ASK, "/v1/alerts?handling=open&limit=1")
    paths = {
        "live": "/",
        "search": "/search",
        "handover": "/handover",
        "vehicles": "/vehicles",
        "wall": "/wall",
    }
    if alert:
        paths |= {"alert": f"/alerts/{alert['id']}", "vehicle": f"/vehicles/{alert['vehicle']['id']}"}
    return paths


def govern_of(page: Page) -> dict[str, str]:
    """The pages of governing that this account sees."""
    page.evaluate("() => location.assign('/govern')")
    page.wait_for_timeout(SETTLED_MS)
    links = page.eval_on_selector_all(
        "a[href^='/govern/']", "all => all.map((one) => one.getAttribute('href'))"
    )
    paths = {path.strip("/").replace("/", "-"): path for path in links}
    return paths | ({"govern-draw": "/govern/map?tab=draw"} if "govern-map" in paths else {})


def signed_in(browser: Browser, url: str, data: Path, login: str) -> Page:
    """A page in which somebody has signed in."""
    page = browser.new_page(locale="zh-CN", timezone_id="Asia/Shanghai")
    page.goto(url)
    name, password = login_of(data, login)
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_selector(".shell-bar")
    return page


def shoot(page: Page, url: str, paths: dict[str, str], sizes: list[str], out: Path) -> None:
    """All pictures of one account's pages."""
    for language, theme, size in itertools.product(LANGUAGES, THEMES, sizes):
        width, height = map(int, size.split("x"))
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(PREFER, [language, theme])
        for name, path in paths.items():
            page.goto(url + path)
            page.wait_for_function(DRAWN, timeout=MOST_MS)
            page.wait_for_timeout(SETTLED_MS)
            file = out / f"{name}-{language}-{theme}-{size}.png"
            page.screenshot(path=file)
            for what in page.evaluate(CLIPPED):
                sys.stdout.write(f"{file.name}: {json.dumps(what, ensure_ascii=False)}\n")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--data", type=Path, default=Path(".local"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--only", default="", help="names of pages, by comma")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    wanted = set(filter(None, given.only.split(",")))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run"]
        )
        for login, pages in (
            ("supervisor", paths_of),
            ("system", govern_of),
            ("security", govern_of),
            ("audit", govern_of),
            ("partner", govern_of),
        ):
            page = signed_in(browser, given.url, given.data, login)
            paths = {name: path for name, path in pages(page).items() if not wanted or name in wanted}
            shoot(page, given.url, paths, given.sizes.split(","), given.out)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
