"""An import says "in force" when it is: the first report sent afterwards is decided by it, whatever was imported, and who does not run is named."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cli.benchmarks.system import Processes
from services.cli.in_force import Lacking
from services.contracts.alert import iso
from services.contracts.topics import RAW
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import Message, Producer, make_topics
from services.runtime.settings import Settings
from services.store import configs, connect, progress
from tests.conftest import RunRoadwatch
from tests.faults.campaign import environment

pytestmark = pytest.mark.timeout(400)  # rules that were changed are compiled first

HEAD = "plate,plate_color,class,terminal,operator,division\n"
ROUNDS = 4
ZONE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"zone": "Z1", "name": "学校", "kind": "school", "limit_kmh": 30},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[106.2, 38.4], [106.21, 38.4], [106.21, 38.41], [106.2, 38.4]]],
            },
        }
    ],
}
Import = Callable[[str, str], "subprocess.CompletedProcess[str]"]


def terminals(first: int) -> list[str]:
    return [str(13_900_100_000 + number) for number in range(first, first + 16)]


@pytest.fixture
async def system(settings: Settings) -> Settings:
    await make_topics(settings)
    return settings


@pytest.fixture
def workers(system: Settings, tmp_path: Path) -> Iterator[Processes]:
    with Processes(environment(system), tmp_path / "run") as made:
        yield made


@pytest.fixture
def imported(system: Settings, tmp_path: Path, run_roadwatch: RunRoadwatch) -> Import:
    """Imports a file of this content by the command."""

    def run(kind: str, content: str) -> "subprocess.CompletedProcess[str]":
        file = tmp_path / f"{kind}.txt"
        file.write_text(content, encoding="utf-8")
        return run_roadwatch("import", kind, file, "--data", tmp_path, env=environment(system), timeout_s=90)

    return run


async def counts(settings: Settings) -> dict[str, int]:
    conn = await connect.connection(settings.database_url)
    try:
        rows = await progress.read_all(conn, "ingest")
    finally:
        await conn.close()
    names = ("accepted", "flagged", "quarantined", "rejected")
    return {name: sum(row.counts.get(name, 0) for row in rows) for name in names}


async def received(settings: Settings, many: int) -> dict[str, int]:
    until_s = monotonic_s() + 30
    while sum((found := await counts(settings)).values()) < many:
        assert monotonic_s() < until_s, found
    return found


async def report(producer: Producer, terminal: str) -> None:
    body = json.dumps({"v": 1, "terminal": terminal, "time": iso(now_ms()), "lon": 106.2, "lat": 38.4})
    await producer.send_batch([Message(RAW, body.encode(), terminal.encode())])


async def test_the_first_reports_after_in_force_are_accepted_of_every_vehicle(
    system: Settings, workers: Processes, imported: Import
) -> None:
    workers.start("ingest", "rules")
    sent = 0
    async with Producer(system, "test") as producer:
        for number in range(ROUNDS):
            names = terminals(100 * number)
            rows = "".join(f"宁A{t[-5:]},yellow,coach,{t},甲公司,640100\n" for t in names)
            done = imported("vehicles", HEAD + rows)
            assert f"version {number + 1} 已生效 in force" in done.stdout, done.stderr
            for terminal in names:
                await report(producer, terminal)
            sent += len(names)
    assert (await received(system, sent))["quarantined"] == 0
    again = imported("vehicles", HEAD + rows)
    assert "nothing new" in again.stdout
    assert f"version {ROUNDS} 已生效 in force" in again.stdout
    zones = imported("zones", json.dumps(ZONE))
    assert f"version {ROUNDS + 1} 已生效 in force" in zones.stdout, zones.stderr
    conn = await connect.connection(system.database_url)
    try:
        assert await configs.taken(conn, ROUNDS + 1, ("ingest", "rules"), system.partitions) == {
            "ingest": system.partitions,
            "rules": system.partitions,
        }
    finally:
        await conn.close()


async def test_who_does_not_run_is_named_at_once_and_takes_it_up_when_it_starts(
    system: Settings, workers: Processes, imported: Import
) -> None:
    content = HEAD + "宁A10001,yellow,coach,13900100001,甲公司,640100\n"
    begun_s = monotonic_s()
    nobody = imported("vehicles", content)
    assert nobody.returncode == 0
    assert "in force" not in nobody.stdout
    assert "ingest 未运行 is not running, rules 未运行 is not running" in nobody.stderr
    assert "takes effect when it starts (roadwatch up)" in nobody.stderr
    assert monotonic_s() - begun_s < 20
    workers.start("ingest")
    half = imported("vehicles", content)
    assert "rules 未运行 is not running" in half.stderr
    assert "ingest 未" not in half.stderr
    workers.start("rules")
    assert "已生效 in force" in imported("vehicles", content).stdout


def test_what_is_slow_is_told_with_how_far_it_is() -> None:
    told = Lacking({"ingest": 8, "rules": 3}, 8, frozenset()).told()
    assert "rules 3/8 分区 partitions" in told
    assert "ingest" not in told
    assert "roadwatch status" in told
