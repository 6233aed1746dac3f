"""The commands of docs/history.md, run as they stand against an api with a vehicle that has been about."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import asyncpg

from services.contracts.alert import iso
from services.runtime.clock import now_ms
from tests.api.support import TOKEN, Api, fixes, record, register

PAGE = Path(__file__).parents[2] / "docs" / "history.md"


async def test_the_commands_of_the_page_run(api: Api, writer: asyncpg.Connection, tmp_path: Path) -> None:
    vehicle = await register(writer, "宁A12345")
    until_ms = now_ms() // 1000 * 1000
    await record(writer, fixes(vehicle, [until_ms - 600_000 + 1000 * n for n in range(600)]))
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 8
    environment = os.environ | {
        "ROADWATCH": f"http://127.0.0.1:{api.port}", "KEY": TOKEN, "FROM": iso(until_ms - 3_600_000), "TO": iso(until_ms + 1000),
    }  # fmt: skip
    done = await asyncio.to_thread(
        subprocess.run, ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("track.geojson", "track.csv", "track.gpx", "track.kml", "tracks.zip"):
        assert (tmp_path / name).stat().st_size > 200, name
    assert done.stdout.count('"total":1') >= 2, "the vehicle was there"
    purposes = {row["purpose"] for row in await writer.fetch("SELECT DISTINCT purpose FROM audit")}
    assert purposes == {"事故核查"}
