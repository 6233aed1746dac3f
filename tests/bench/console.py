"""Figures of the console, on demand: `.venv/bin/python tests/bench/console.py --vehicles 50000 --alerts 5000 --minutes 3`.

A real api on private servers, vehicles that move through Kafka, and Chromium, which draws in software where there is no graphics card; nothing
of it runs in CI. Asked are: how long the page takes to lay a frame of positions over what it knows, its frames a second while the map stands
and while it is dragged, the page's memory minute by minute, and how evenly a queue of all the alerts scrolls.
"""

import argparse
import asyncio
import threading
from typing import Any

import asyncpg
import numpy as np
import psutil
from playwright.sync_api import Browser, CDPSession, Page, ViewportSize, sync_playwright

from services.api.identity import Role
from services.cli.benchmarks.base import Bench
from services.contracts.batch import pack_fixes
from services.contracts.registry import CLASSES, Config
from services.contracts.topics import FIXES
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import Message, Producer
from services.runtime.settings import Settings
from services.store import connect
from tests.api.accounts import PASSWORD, account
from tests.api.support import event, put
from tests.bench.history import Fleet, api, say

CHROMIUM = "/usr/bin/chromium"
SIZE: ViewportSize = {"width": 1400, "height": 860}
MESSAGE_FIXES = 5_000
FIRST_FULL_S = 120
STILL_S, DRAG_S, SCROLL_S = 10, 8, 6
PROBE = """
window.bench = { updates: [], sizes: [], frames: [], points: [] };
const listen = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (type, listener, ...more) {
  const timed = type !== "positions" ? listener : (event) => {
    const begun = performance.now();
    listener(event);
    bench.updates.push(performance.now() - begun);
    bench.sizes.push(event.data.length);
  };
  return listen.call(this, type, timed, ...more);
};
const draw = WebGL2RenderingContext.prototype.drawArrays;
WebGL2RenderingContext.prototype.drawArrays = function (mode, first, count) {
  if (mode === this.POINTS) bench.points.push(count);
  return draw.call(this, mode, first, count);
};
const frame = (time) => { bench.frames.push(time); requestAnimationFrame(frame); };
requestAnimationFrame(frame);
"""
CLEAR = "() => { for (const list of Object.values(bench)) list.length = 0; }"
RENDERER = """() => {
  const gl = document.createElement("canvas").getContext("webgl2");
  return gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info").UNMASKED_RENDERER_WEBGL);
}"""
SCROLL = """(ms) => new Promise((done) => {
  const list = document.querySelector(".queue-rows"), begun = performance.now();
  let way = 1, blank = 0;
  const step = (now) => {
    list.scrollTop += 240 * way;
    if (list.scrollTop <= 0) way = 1;
    if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) way = -1;
    const { left, top, width, height } = list.getBoundingClientRect();
    if (!document.elementFromPoint(left + width / 2, top + height / 2)?.closest(".queue-row")) blank += 1;
    if (now - begun < ms) requestAnimationFrame(step);
    else done({ rows: Math.round(list.scrollHeight / list.querySelector(".queue-slot").offsetHeight), blank });
  };
  requestAnimationFrame(step);
})"""


async def fill(settings: Settings, vehicles: int, alerts: int) -> None:
    """A registry, unresolved alerts of the last hours, and a dispatcher."""
    conn: asyncpg.Connection = await connect.connection(settings.database_url, command_timeout_s=600)
    await conn.execute("SET statement_timeout = 0")
    await conn.execute(
        "INSERT INTO operator (name) SELECT '第' || n || '客运公司' FROM generate_series(1, 50) n"
    )
    await conn.execute(
        "INSERT INTO vehicle (plate, plate_color) SELECT '宁A' || lpad(n::text, 5, '0'), 'yellow' FROM generate_series(1, $1) n ORDER BY n",
        vehicles,
    )
    await conn.execute("INSERT INTO terminal SELECT 'T' || id FROM vehicle")
    await conn.execute(
        "INSERT INTO registration (vehicle_id, vehicle_class, terminal, operator_id, division, status, valid_from)"
        " SELECT id, ($1::text[])[1 + id % 5], 'T' || id, 1 + id % 50, '640104', 'active', '2020-01-01Z' FROM vehicle",
        list(CLASSES),
    )
    begun_ms = now_ms() - 3 * 3_600_000
    for start in range(0, alerts, 500):
        opened = [
            event(
                f"alr_{place:032x}",
                vehicle=place + 1,
                plate=f"宁A{place + 1:05d}",
                severity=("critical", "major", "minor", "info")[place % 4],
                operator=f"第{1 + (place + 1) % 50}客运公司",
                began_ms=begun_ms + place * 2000,
            )
            for place in range(start, min(alerts, start + 500))
        ]
        await put(conn, opened)
    await account(conn, "bench", Role.DISPATCHER)
    await conn.execute("ANALYZE")
    await conn.close()


class Mover(threading.Thread):
    """Sends the position of every vehicle each `every_s` seconds, evenly spread, until told to stop."""

    def __init__(self, settings: Settings, vehicles: int, every_s: int) -> None:
        """Sends nothing yet."""
        super().__init__(daemon=True)
        self.vehicles, self.every_s = vehicles, every_s
        self.done = threading.Event()
        self._settings, self._fleet = settings, Fleet(vehicles)

    def run(self) -> None:
        """Send until done."""
        asyncio.run(self._send())

    async def _send(self) -> None:
        numbers = np.arange(self._fleet.vehicles)
        async with Producer(self._settings, "bench-mover") as producer:
            turn = 0
            while not self.done.is_set():
                begun_s = monotonic_s()
                due = numbers[numbers % self.every_s == turn % self.every_s]
                made = self._fleet.fixes(second := now_ms() // 1000 * 1000, second + 1)[due]
                parts = [made[start : start + MESSAGE_FIXES] for start in range(0, len(made), MESSAGE_FIXES)]
                await producer.send_batch(
                    [Message(topic=FIXES, value=pack_fixes(0, part), partition=0) for part in parts]
                )
                turn += 1
                await asyncio.sleep(max(0.0, 1 - (monotonic_s() - begun_s)))


def opened(browser: Browser, port: int, vehicles: int) -> tuple[Page, CDPSession]:
    """The live page of somebody who has signed in, with all vehicles on its map."""
    page = browser.new_page(viewport=SIZE, locale="zh-CN", timezone_id="Asia/Shanghai")
    page.add_init_script(PROBE)
    page.goto(f"http://127.0.0.1:{port}/?storms=0")
    page.fill("input[name=login]", "bench")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector(".legend", timeout=60_000)
    page.wait_for_function("count => bench.points.at(-1) >= count", arg=vehicles, timeout=FIRST_FULL_S * 1000)
    return page, page.context.new_cdp_session(page)


def measure(page: Page, seconds: float) -> dict[str, Any]:
    """What the page noted during a stretch of time."""
    page.evaluate(CLEAR)
    page.wait_for_timeout(seconds * 1000)
    noted: dict[str, Any] = page.evaluate("() => structuredClone(bench)")
    return noted


def frames(noted: dict[str, Any]) -> str:
    """Frames a second, and how long the longest took."""
    steps = np.diff(noted["frames"])
    return f"{1000 / steps.mean():.0f} fps, frame p50 {np.median(steps):.0f} ms, p99 {np.percentile(steps, 99):.0f}, longest {steps.max():.0f}"


def updates(noted: dict[str, Any]) -> str:
    """How long laying a frame of positions over the fleet took."""
    took = noted["updates"]
    if not took:
        return "no updates"
    return f"{len(took)} updates of {np.median(noted['sizes']) / 1000:.0f} kB: p50 {np.median(took):.1f} ms, max {max(took):.1f}"


def still_and_dragged(page: Page, label: str) -> None:
    """The map as it stands, and while it is dragged to and fro."""
    noted = measure(page, STILL_S)
    say(
        f"{label}, map still: {frames(noted)}; {updates(noted)}; {noted['points'][-1] if noted['points'] else 0:,} points"
    )
    page.evaluate(CLEAR)
    page.mouse.move(900, 400)
    page.mouse.down()
    begun_s = monotonic_s()
    while (passed_s := monotonic_s() - begun_s) < DRAG_S:
        page.mouse.move(900 + 120 * np.sin(2 * passed_s), 400 + 80 * np.cos(2 * passed_s))
    page.mouse.up()
    noted = page.evaluate("() => structuredClone(bench)")
    say(f"{label}, dragged: {frames(noted)}; points drawn {len(noted['points']) / DRAG_S:.1f} times a second")


def memory(page: Page, link: CDPSession, minutes: float) -> None:
    """Memory of the page after each minute, garbage collected."""
    for minute in range(round(minutes) + 1):
        if minute:
            page.evaluate(CLEAR)
            page.wait_for_timeout(60_000)
        page.evaluate(CLEAR)
        link.send("HeapProfiler.collectGarbage")
        heap = link.send("Runtime.getHeapUsage")
        say(
            f"  minute {minute}: script heap {heap['usedSize'] / 1e6:.1f} MB, buffers {heap.get('backingStorageSize', 0) / 1e6:.1f} MB, processes {resident() / 1e6:.0f} MB"
        )


def resident() -> float:
    """Resident bytes of this program's browser, all its processes."""
    found = 0
    for process in psutil.Process().children(recursive=True):
        try:
            if "chromium" in process.name():
                found += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return found


def scrolling(page: Page) -> None:
    """The queue from its beginning to its end and back, 240 px a frame."""
    page.evaluate(CLEAR)
    seen = page.evaluate(SCROLL, SCROLL_S * 1000)
    noted = page.evaluate("() => structuredClone(bench)")
    say(
        f"queue of {seen['rows']:,} rows, scrolled 240 px a frame: {frames(noted)}; {seen['blank']} frames with a gap; {page.locator('.queue-slot').count()} rows in the page"
    )


def everything(browser: Browser, mover: Mover, port: int, minutes: float) -> None:
    """All that is asked of one page."""
    page, link = opened(browser, port, mover.vehicles)
    say(f"drawn by {page.evaluate(RENDERER)}")
    still_and_dragged(page, f"{mover.vehicles:,} vehicles, all move each second")
    mover.every_s = 10
    page.wait_for_timeout(2000)
    still_and_dragged(page, f"{mover.vehicles:,} vehicles, each reports every 10 s")
    scrolling(page)
    memory(page, link, minutes)


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--vehicles", type=int, default=50_000)
    parser.add_argument("--alerts", type=int, default=5_000)
    parser.add_argument("--minutes", type=float, default=0, help="watch the memory for so long")
    given = parser.parse_args()
    with Bench() as bench:
        settings = asyncio.run(bench.system(Config(version=1)))
        asyncio.run(fill(settings, given.vehicles, given.alerts))
        mover = Mover(settings, given.vehicles, every_s=1)
        with api(bench, settings) as port, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run"],
            )
            mover.start()
            try:
                everything(browser, mover, port, given.minutes)
            finally:
                mover.done.set()
                mover.join()
                browser.close()


if __name__ == "__main__":
    main()
