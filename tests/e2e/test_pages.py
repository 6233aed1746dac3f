"""Every page, as those who may see it: it opens, asks nothing of others, and is fit for everybody's eyes and hands (axe-core, WCAG 2.1 A and AA)."""

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import SignIn
from tests.e2e.system import System, moment, plate, speeding

pytestmark = pytest.mark.timeout(240)
AXE = Path(__file__).parents[2] / "services" / "api" / "console" / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })).violations
    .filter(one => one.impact === 'serious' || one.impact === 'critical')
    .map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | '))"""
PAGES = {
    "zhang": ("/", "/vehicles", "/search?tab=near", "/search?tab=presence", "/handover", "/govern/rules", "/govern/map", "/govern/mine", "/wall"),
    "shi": ("/search?tab=jobs", "/vehicles"),
    "xi": ("/govern/system",),
    "an": ("/govern/accounts",),
    "shen": ("/govern/audit",),
    "huo": ("/govern/webhooks",),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def something_to_see(system: System) -> None:
    """A few alerts."""
    system.send([report for number in (3, 4) for report in speeding(number, 6, moment())])


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("login", PAGES)
def test_pages_open_and_are_accessible(sign_in: SignIn, login: str, theme: str) -> None:
    page = sign_in(login, theme=theme, language="zh" if theme == "dark" else "en")
    found: dict[str, Any] = {}
    for path in PAGES[login]:
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + path)
        page.wait_for_selector(".shell-main")
        expect(page.locator(".shell-main .spinner")).to_have_count(0)
        assert page.locator("[role=alert]").count() == 0, (
            path,
            page.locator("[role=alert]").all_inner_texts(),
        )
        page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
        if violations := page.evaluate(RUN):
            found[path] = violations
    assert found == {}


def test_an_open_alert_and_a_vehicle_are_accessible(system: System, sign_in: SignIn) -> None:
    page = sign_in("zhang", path=f"/?storms=0&q={plate(3)[2:]}")
    page.locator(".queue-row", has_text=plate(3)).click()
    expect(page.locator(".alert-panel .chart-line").first).to_be_attached()
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    assert page.evaluate(RUN) == []
    page.locator(".alert-panel a", has_text="车辆详情").click()
    page.fill("input[name=purpose]", "端到端测试")
    page.keyboard.press("Enter")
    page.wait_for_selector(".playback-map canvas")
    expect(page.locator(".shell-main .spinner")).to_have_count(0)
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    assert page.evaluate(RUN) == []


def test_what_was_kept_out_is_read_byte_for_byte(system: System, sign_in: SignIn) -> None:
    system.send_bytes(*[b'{"no": '] * 60, None, b"\x7e\x02\x00\xff")
    while (total := len(system.get("/v1/rejected", limit="200")["items"])) < 62:
        time.sleep(0.1)
    page = sign_in("xi", path="/govern/system")
    page.get_by_role("button", name="查看全部").click()
    page.fill("input[name=purpose]", "端到端测试")
    page.keyboard.press("Enter")
    rows = page.locator(".rejects li")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="更早的").click()
    expect(rows).to_have_count(total)
    expect(page.get_by_role("button", name="更早的")).to_have_count(0)
    row = rows.filter(has_text="SYNTAX").first
    row.locator("summary").click()
    expect(row.locator("pre").first).to_have_text('{"no": ')
    expect(row.locator("pre.hex")).to_contain_text("000000  7b 22 6e 6f 22 3a 20")
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    assert page.evaluate(RUN) == []
    page.get_by_role("button", name="不是有效的 UTF-8").click()  # one of those counted within the hour
    rows.locator("summary").click()
    expect(rows).to_contain_text("不是可显示的文本")
    expect(rows.locator("pre.hex")).to_contain_text("7e 02 00 ff")
    page.locator("section select").select_option("EMPTY")
    expect(rows).to_contain_text("0 字节")
    page.locator("section select").select_option("DATUM")
    expect(page.locator(".state-block")).to_contain_text("没有拒收的报文")


def test_every_key_is_listed(sign_in: SignIn) -> None:
    page = sign_in("zhang")
    page.wait_for_selector(".queue-head")
    page.keyboard.press("?")
    listed = page.locator("dialog .keys").inner_text()
    for key in ("j", "k", "/", "m", "t", "y", "Esc"):
        assert key in listed
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
