"""The commands of docs/history.md, run as they stand against an api with a vehicle that has been about."""

from pathlib import Path

import asyncpg

from services.contracts.alert import iso
from services.runtime.clock import now_ms
from tests.api import page
from tests.api.support import TOKEN, Api, fixes, record, register


async def test_the_commands_of_the_page_run(api: Api, writer: asyncpg.Connection, tmp_path: Path) -> None:
    vehicle = await register(writer, "宁A12345")
    until_ms = now_ms() // 1000 * 1000
    await record(writer, fixes(vehicle, [until_ms - 600_000 + 1000 * n for n in range(600)]))
    output = await page.run(
        page.blocks("history.md"), page.checkout(tmp_path, TOKEN), API=f"http://127.0.0.1:{api.port}",
        FROM=iso(until_ms - 3_600_000), TO=iso(until_ms + 1000),
    )  # fmt: skip
    for name in ("track.geojson", "track.csv", "track.gpx", "track.kml", "tracks.zip"):
        assert (tmp_path / name).stat().st_size > 200, name
    assert output.count('"total":1') >= 2, "the vehicle was there"
    purposes = {row["purpose"] for row in await writer.fetch("SELECT DISTINCT purpose FROM audit")}
    assert purposes == {"事故核查"}
