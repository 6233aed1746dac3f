"""Drawing on the map as a system administrator: by mouse, by keys, from a pasted list; and a zone on its way into the system by the real command."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import RunRoadwatch
from tests.e2e.conftest import SignIn
from tests.e2e.system import System
from tests.e2e.test_pages import AXE, RUN

pytestmark = pytest.mark.timeout(240)
DRAW = "/govern/map?tab=draw"
ZONE = "校区-东门"


def drawing_page(sign_in: SignIn, **more: str) -> Page:
    page = sign_in("xi", path=DRAW, **more)
    page.wait_for_selector(".draw-map canvas")
    expect(page.locator(".map-zoom")).to_be_visible()
    page.wait_for_timeout(1500)  # the style has come: from then on a click means a point
    return page


def at(page: Page, *shares: tuple[float, float]) -> list[tuple[float, float]]:
    """Places on the screen, as parts of the map's width and height."""
    box = page.locator(".draw-map canvas").bounding_box()
    assert box is not None
    return [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in shares]


def click(page: Page, places: Sequence[tuple[float, float]]) -> None:
    for x, y in places:
        page.mouse.click(x, y)


def rows(page: Page) -> Locator:
    return page.locator(".draw-points li")


def paste(page: Page, text: str, datum: str) -> None:
    if page.locator(".draw-paste[open]").count() == 0:
        page.locator(".draw-paste summary").click()
    page.locator(".draw-paste textarea").fill(text)
    page.locator(".draw-paste select").select_option(datum)
    page.locator(".draw-paste button").first.click()


def test_a_zone_is_drawn_downloaded_imported_and_seen(
    system: System, sign_in: SignIn, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    page = drawing_page(sign_in)
    corners = at(page, (0.4, 0.35), (0.6, 0.35), (0.6, 0.65), (0.4, 0.65))
    click(page, [corners[0], corners[2], corners[1], corners[3]])
    expect(rows(page)).to_have_count(4)
    expect(page.locator(".draw-map-side [role=alert]")).to_contain_text("相交")
    page.get_by_role("button", name="下载").click()
    expect(page.locator(".draw-side [role=alert]").last).to_contain_text("还不能生成文件")
    page.get_by_role("button", name="清空").click()
    click(page, corners)
    expect(page.locator(".draw-map-side [role=alert]")).to_have_count(0)
    expect(page.locator(".draw-map-side [role=status]")).to_contain_text("面积")
    page.fill("input[name=id]", ZONE)
    page.select_option("select[name=kind]", "school")
    page.fill("input[name=limit]", "30")
    page.get_by_label("校车").check()
    page.fill("input[name=hours]", "07:00-08:30,16:30-18:00")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="下载").click()
    file = tmp_path / downloading.value.suggested_filename
    shutil.copy(downloading.value.path(), file)
    assert file.name == f"zone-{ZONE}.geojson"
    dry, load = page.locator(".draw-side code").all_inner_texts()
    assert (dry, load) == (
        f"roadwatch import zones {file.name} --dry-run",
        f"roadwatch import zones {file.name}",
    )

    env = {
        "ROADWATCH_KAFKA_BOOTSTRAP": system.settings.kafka_bootstrap,
        "ROADWATCH_DATABASE_URL": system.settings.database_url,
        "ROADWATCH_TOPIC_PREFIX": system.settings.topic_prefix,
    }
    for command, said in ((dry, "dry run"), (load, "published")):
        words = command.replace(file.name, str(file)).split()[1:]
        done = run_roadwatch(*words, env=env)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout

    (found,) = zones(system)
    assert found["properties"] | {"name": ZONE, "kind": "school", "limit_kmh": 30, "classes": ["school_bus"]} == found["properties"]  # fmt: skip
    assert found["properties"]["hours"] == [["07:00", "08:30"], ["16:30", "18:00"]]
    drawn = json.loads(file.read_text("utf-8"))["features"][0]["geometry"]
    assert sorted(found["geometry"]["coordinates"][0][0]) == sorted(drawn["coordinates"][0])

    page.get_by_role("tab", name="查看").click()
    page.wait_for_timeout(2000)
    box = page.locator(".map-data canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator(".maplibregl-popup-content")).to_contain_text(f"zone: {ZONE}")
    page.get_by_role("tab", name="绘制").click()
    expect(page.locator(".draw-side")).to_contain_text("已存在")
    expect(rows(page)).to_have_count(4)


def zones(system: System) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.get("/v1/map/zones")["features"]
    return [one for one in found if one["properties"]["zone"] == ZONE]


def test_points_are_moved_put_between_removed_and_undone_by_mouse(sign_in: SignIn) -> None:
    page = drawing_page(sign_in)
    one, two, middle, moved = at(page, (0.3, 0.5), (0.7, 0.5), (0.5, 0.5), (0.5, 0.3))
    click(page, [one, two])
    first = page.get_by_label("第 1 点纬度(WGS-84)")
    before = first.input_value()
    drag(page, middle, moved)
    expect(rows(page)).to_have_count(3)
    assert page.get_by_label("第 2 点纬度(WGS-84)").input_value() > before
    drag(page, one, (one[0], one[1] - 60))
    expect(rows(page)).to_have_count(3)
    expect(first).not_to_have_value(before)
    page.keyboard.press("Control+z")
    expect(first).to_have_value(before)
    page.keyboard.press("Control+Shift+Z")
    expect(first).not_to_have_value(before)
    page.mouse.click(*moved, button="right")
    expect(rows(page)).to_have_count(2)


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=5)
    page.mouse.up()


def test_a_route_is_drawn_without_a_mouse(sign_in: SignIn) -> None:
    page = drawing_page(sign_in, language="en")
    page.get_by_role("button", name="Route", exact=True).press("Enter")
    page.locator(".draw-map canvas").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    page.locator(".draw-paste summary").press("Enter")
    add = page.get_by_role("button", name="Add at the end")
    page.get_by_label("Coordinates: ").fill("106.3,38.5\n106.4,38.5")
    add.press("Enter")
    expect(page.locator(".draw-paste [role=alert]")).to_contain_text("which datum")
    page.get_by_label("These coordinates are in").select_option("WGS-84")
    add.press("Enter")
    expect(rows(page)).to_have_count(3)
    longitude = page.get_by_label("Longitude of point 2")
    longitude.press("ArrowUp")
    expect(longitude).to_have_value("106.300100")
    expect(longitude).to_be_focused()
    longitude.fill("206")
    expect(longitude).to_have_attribute("aria-invalid", "true")
    longitude.fill("106.2")
    longitude.press("Enter")
    expect(longitude).to_have_value("106.200000")
    page.get_by_label("Insert a point after point 2").press("Enter")
    expect(rows(page)).to_have_count(4)
    page.get_by_label("Remove point 1").press("Enter")
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_label("Remove point 1")).to_be_focused()
    page.fill("input[name=id]", "R-7")
    page.fill("input[name=width]", "60")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").press("Enter")
    (feature,) = json.loads(Path(downloading.value.path()).read_text("utf-8"))["features"]
    assert feature["properties"] == {"route": "R-7", "width_m": 60}
    assert feature["geometry"] == {"type": "LineString", "coordinates": [[106.2, 38.5], [106.3, 38.5], [106.4, 38.5]]}  # fmt: skip
    expect(page.locator(".draw-side")).to_contain_text("roadwatch import routes route-R-7.geojson --dry-run")


def test_a_pasted_list_of_another_datum_is_refused_with_the_reason(sign_in: SignIn) -> None:
    page = drawing_page(sign_in)
    for datum in ("GCJ-02", "BD-09"):
        paste(page, "106.3,38.5;106.4,38.5;106.4,38.6", datum)
        expect(page.locator(".draw-paste [role=alert]")).to_contain_text(f"{datum} 坐标不能直接使用")
    expect(rows(page)).to_have_count(0)
    paste(page, "38.5,106.3", "WGS-84")
    expect(page.locator(".draw-paste [role=alert]")).to_contain_text("颠倒")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_is_accessible_empty_and_full_of_faults(sign_in: SignIn, theme: str) -> None:
    page = drawing_page(sign_in, theme=theme, language="zh" if theme == "dark" else "en")
    page.evaluate(AXE.read_text(encoding="utf-8") + "; 0")
    assert page.evaluate(RUN) == []
    paste(page, "106.3,38.5;106.4,38.6;106.4,38.5;106.3,38.6", "WGS-84")
    page.locator(".draw-side .primary").click()
    expect(page.locator(".draw-side [role=alert]").last).to_be_visible()
    assert page.evaluate(RUN) == []


def test_who_only_reads_the_map_is_not_offered_to_draw(sign_in: SignIn) -> None:
    page = sign_in("zhang", path=DRAW)
    page.wait_for_selector(".map-data canvas")
    expect(page.get_by_role("tab")).to_have_count(0)
