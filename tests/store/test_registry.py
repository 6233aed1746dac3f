"""Import and read back: the document from the database is the document from the files, and nothing is half-imported."""

import asyncio
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from services.contracts.registry import Config, Road, Route, Stop, Vehicle, VehicleClass
from services.contracts.registry_files import FilesRefused, Parsed, parse_file, read_config
from services.runtime.kafka import end_offsets
from services.runtime.settings import Settings
from services.store import configs, registry
from services.store.connect import connection
from services.store.registry_import import Imported, import_file
from services.store.wkb import NotWkb, line, multipolygon, read_line, read_multipolygon

RunRoadwatch = Callable[..., "subprocess.CompletedProcess[str]"]
HEADER = "plate,plate_color,class,terminal,operator,division,valid_from,valid_to,inspection_due\n"


def geojson(*features: tuple[dict[str, Any], str, Any]) -> bytes:
    made = [
        {"type": "Feature", "properties": p, "geometry": {"type": kind, "coordinates": c}}
        for p, kind, c in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": made}).encode()


LINE = [[106.230912345678901, 38.4], [106.3, 38.400000000000006], [106.4, 38.5]]
RING = [[106.2, 38.4], [106.3, 38.4], [106.3, 38.5], [106.2, 38.4]]
HOLE = [[106.25, 38.41], [106.26, 38.41], [106.26, 38.42], [106.25, 38.41]]
FILES = {
    "vehicles": ("vehicles.csv", (HEADER + (
        "宁A12345,yellow,coach,013900000021,银川客运,640100,,2026-06-01,2027-01-31\n"
        "宁A12345,yellow,charter,013900000021,银川客运,640100,2026-06-01,,\n"
        "宁B22345,blue,hazmat,T2,吴忠危运,640300,2026-01-01T00:00:00.123Z,,\n")).encode()),
    "drivers": ("drivers.csv", "driver,name,operator,valid_to\n640100-0001,王建国,银川客运,2028-02-29\nA-2,马秀兰,吴忠危运,\n".encode()),
    "roads": ("roads.geojson", geojson(
        ({"road_class": "expressway", "ref": "G6", "limit_kmh": 120, "limit_kmh_hazmat": 80.5, "tunnel": True}, "LineString", LINE),
        ({"road_class": "rural", "oneway": "-1", "night_limit_kmh": 40}, "LineString", LINE[:2]))),
    "routes": ("routes.geojson", geojson((
        {"route": "R1", "name": "银川—中卫", "leg_widths_m": [20, 50.5], "stops": [{"name": "中卫", "lon": 106.4, "lat": 38.5}]},
        "LineString", LINE))),
    "assignments": ("assignments.csv", (
        "vehicle,route,from,to,driver,trip,direction\n"
        "宁A12345/yellow,R1,2026-11-23T08:00:00+08:00,2026-11-23T18:00:00+08:00,640100-0001,K1,forward\n"
        "T2,R1,2026-11-23,2026-11-24,,,\n").encode()),
    "zones": ("zones.geojson", geojson(
        ({"zone": "Z1", "kind": "school", "hours": ["07:00-08:00", "22:00-06:00"], "classes": ["freight"], "from": "2026-01-01",
          "days": "Fr-Mo", "dates": [["2026-09-01", "2027-01-15"]], "except_dates": [["2026-10-01", "2026-10-07"], ["2027-01-01", "2027-01-01"]]},
         "Polygon", [RING, HOLE]),
        ({"zone": "Z2", "kind": "hazard_section", "buffer_m": 30.5, "limit_kmh": 40}, "LineString", LINE),
        ({"zone": "Z3", "kind": "dead_zone"}, "MultiPolygon", [[RING], [RING]]))),
    "rules": ("rules.json", b'{"speeding": {"min_duration_s": 20}}'),
}  # fmt: skip


def parsed(kind: str, data: bytes | None = None) -> Parsed[Any]:
    name, bytes_ = FILES[kind]
    return parse_file(kind, name, bytes_ if data is None else data, lambda _: [])


async def put(
    conn: asyncpg.Connection,
    kind: str,
    data: bytes | None = None,
    *,
    dry_run: bool = False,
    source: str = "a",
) -> Imported:
    return await import_file(conn, kind, parsed(kind, data), source=source, dry_run=dry_run)


@pytest.fixture
async def own(fresh_database_url: str) -> Any:
    made = await connection(fresh_database_url)
    yield made
    await made.close()


async def test_the_document_from_the_database_is_the_document_from_the_files(own: asyncpg.Connection) -> None:
    for kind in FILES:
        if kind != "assignments":
            await put(own, kind)
    done = await put(own, "assignments")
    assert done.record is not None
    assert done.record.version == 7
    ids = {
        (row["plate"], row["plate_color"]): row["id"]
        for row in await own.fetch("SELECT id, plate, plate_color FROM vehicle")
    }
    of_files = read_config(
        FILES, check_rules=lambda _: [], vehicle_ids=lambda plate, color: ids[plate, color]
    )
    of_database = await configs.document(own, done.record.document)
    assert of_database.rules[0].parameters == of_files.rules[0].parameters
    by_code = tuple(sorted(of_files.drivers, key=lambda driver: driver.driver))
    expected = msgspec.structs.replace(of_files, version=7, rules=of_database.rules, drivers=by_code)
    assert of_database == expected
    assert await registry.read(own) == expected


async def test_importing_the_same_again_makes_no_version(own: asyncpg.Connection) -> None:
    first = await put(own, "vehicles")
    assert (first.added, first.changed, first.unchanged) == (2, 0, 0)
    again = await put(own, "vehicles")
    assert (again.added, again.changed, again.unchanged, again.record) == (0, 0, 2, None)
    assert (await put(own, "rules")).record is not None
    assert (await put(own, "rules")).record is None


async def test_a_dry_run_finds_the_errors_and_keeps_nothing(own: asyncpg.Connection) -> None:
    done = await put(own, "vehicles", dry_run=True)
    assert done.added == 2
    assert await registry.read(own) == Config()
    assert await configs.latest(own) is None
    with pytest.raises(FilesRefused):
        await put(own, "assignments", dry_run=True)


async def test_vehicles_of_a_file_replace_their_namesakes_and_keep_their_ids(own: asyncpg.Connection) -> None:
    await put(own, "vehicles")
    before = {vehicle.key: vehicle.id for vehicle in (await registry.read(own)).vehicles}
    update = HEADER + "宁C1,green,freight,T9,甲,640400,,,\n宁B22345,blue,hazmat,T3,吴忠危运,640300,,,\n"
    done = await put(own, "vehicles", update.encode())
    assert (done.added, done.changed, done.removed, done.unchanged) == (1, 1, 0, 1)
    after = {vehicle.key: vehicle for vehicle in (await registry.read(own)).vehicles}
    assert after["宁B22345/blue"].id == before["宁B22345/blue"]
    assert (after["宁B22345/blue"].terminal, after["宁B22345/blue"].valid_from_ms) == ("T3", None)
    assert after["宁A12345/yellow"].id == before["宁A12345/yellow"]


async def test_a_terminal_that_another_vehicle_has_is_refused_and_nothing_of_the_file_kept(
    own: asyncpg.Connection,
) -> None:
    await put(own, "vehicles")
    before = await registry.read(own)
    with pytest.raises(FilesRefused) as caught:
        await put(
            own,
            "vehicles",
            (HEADER + "宁C1,green,freight,T9,甲,640400,,,\n宁C2,green,freight,T2,甲,640400,,,\n").encode(),
        )
    (error,) = caught.value.errors
    assert (error.row, error.column, error.value) == (3, "terminal", "T2")
    assert "宁B22345/blue" in error.en
    assert await registry.read(own) == before


async def test_a_road_file_replaces_the_roads_of_its_source_alone(own: asyncpg.Connection) -> None:
    await put(own, "roads", source="north")
    await put(own, "roads", geojson(({"road_class": "urban"}, "LineString", LINE)), source="south")
    done = await put(own, "roads", geojson(({"road_class": "mountain"}, "LineString", LINE)), source="north")
    assert [road.road_class for road in (await registry.read(own)).roads] == ["mountain", "urban"]
    assert done.record is not None


async def test_rules_of_a_file_are_the_ones_in_force(own: asyncpg.Connection) -> None:
    await put(own, "rules")
    await put(own, "rules", b'{"fatigue": {"still_kmh": 2}}')
    (rules,) = (await registry.read(own)).rules
    assert rules.parameters == {"fatigue": {"still_kmh": 2}}
    assert await own.fetchval("SELECT count(*) FROM rule_set") == 2, "what was in force stays on record"


async def test_two_imports_at_once_make_two_versions(fresh_database_url: str) -> None:
    async def one(kind: str) -> int:
        conn = await connection(fresh_database_url)
        try:
            done = await put(conn, kind)
            return done.record.version if done.record else 0
        finally:
            await conn.close()

    assert sorted(await asyncio.gather(one("vehicles"), one("routes"), one("zones"))) == [1, 2, 3]
    conn = await connection(fresh_database_url)
    config = await registry.read(conn)
    await conn.close()
    assert (len(config.vehicles), len(config.routes), len(config.zones)) == (3, 1, 3)


def test_the_command_imports_tells_and_refuses(
    fresh_database_url: str, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    env = {"ROADWATCH_DATABASE_URL": fresh_database_url, "ROADWATCH_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
    good, bad = tmp_path / "vehicles.csv", tmp_path / "bad.csv"
    good.write_bytes(b"\xef\xbb\xbf" + FILES["vehicles"][1])
    bad.write_text(HEADER + "宁A1,purple,bus,T1,甲,640100,,,\n", encoding="utf-8")
    data = ("--data", tmp_path / "none")
    dry = run_roadwatch("import", "vehicles", good, "--dry-run", *data, env=env)
    assert (dry.returncode, "added 2" in dry.stdout, "nothing kept" in dry.stdout) == (0, True, True), (
        dry.stderr
    )
    done = run_roadwatch("import", "vehicles", good, *data, env=env)
    assert (done.returncode, "added 2" in done.stdout) == (0, True), done.stderr
    refused = run_roadwatch("import", "vehicles", bad, *data, env=env)
    assert refused.returncode == 3
    assert f'{bad} 第 2 行 row 2 列 column class = "bus"' in refused.stderr
    assert "nothing was imported" in refused.stderr
    assert run_roadwatch("import", "vehicles", tmp_path / "absent.csv", *data, env=env).returncode == 3
    assert run_roadwatch("import", "boats", good, *data, env=env).returncode == 2
    away = run_roadwatch(
        "import", "vehicles", good, *data, env=env | {"ROADWATCH_DATABASE_URL": "postgresql://127.0.0.1:9/x"}
    )
    assert (away.returncode, "roadwatch up" in away.stderr) == (1, True)


async def test_what_is_imported_is_in_every_partition_of_the_log_and_in_force(
    fresh_database_url: str,
    kafka_bootstrap: str,
    topic_prefix: str,
    run_roadwatch: RunRoadwatch,
    tmp_path: Path,
) -> None:
    env = {
        "ROADWATCH_DATABASE_URL": fresh_database_url,
        "ROADWATCH_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "ROADWATCH_TOPIC_PREFIX": topic_prefix,
        "ROADWATCH_PARTITIONS": "3",
    }
    file = tmp_path / "vehicles.csv"
    file.write_bytes(FILES["vehicles"][1])
    away = env | {"ROADWATCH_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
    early = await asyncio.to_thread(run_roadwatch, "import", "vehicles", file, "--data", tmp_path, env=away)
    assert (early.returncode, "not yet published" in early.stderr) == (0, True), early.stderr
    assert (await asyncio.to_thread(run_roadwatch, "topics", env=env)).returncode == 0
    file.write_bytes(FILES["zones"][1])
    later = await asyncio.to_thread(run_roadwatch, "import", "zones", file, "--data", tmp_path, env=env)
    assert (later.returncode, "published" in later.stdout) == (0, True), later.stderr
    assert ("in force" in later.stdout, "is not running" in later.stderr) == (False, True), (
        "nobody decides here"
    )
    settings = Settings(kafka_bootstrap=kafka_bootstrap, topic_prefix=topic_prefix, partitions=3)
    assert await end_offsets(settings, "fixes") == {0: 2, 1: 2, 2: 2}, "the version that waited goes first"
    conn = await connection(fresh_database_url)
    in_force = await configs.published(conn)
    await conn.close()
    assert in_force is not None
    assert in_force.version == 2


def test_coordinates_survive_the_database_to_the_last_bit() -> None:
    odd = ((106.230912345678901, 1e-300), (-0.0, 38.400000000000006), (180.0, -90.0))
    assert read_line(line(odd).replace(b"\x00\x00\x20\xe6\x10\x00\x00", b"\x00\x00\x00")) == odd
    with pytest.raises(NotWkb):
        read_line(multipolygon((((odd,)),)))
    with pytest.raises(NotWkb):
        read_multipolygon(line(odd))


def test_what_is_imported_fits_the_records() -> None:
    """The columns of the tables are written by hand; a field added to a record must be added there too."""
    assert set(Vehicle.__struct_fields__) == {
        "id", "plate", "plate_color", "vehicle_class", "terminal", "operator", "division", "vin", "status", "valid_from_ms",
        "valid_to_ms", "inspection_due", "permit", "permit_to", "scrapped_on", "subtype",
    }  # fmt: skip
    assert set(Road.__struct_fields__) == {
        "road_class", "coordinates", "name", "ref", "limit_kmh", "night_limit_kmh", "class_limits_kmh", "oneway", "tunnel", "bridge",
    }  # fmt: skip
    assert set(Route.__struct_fields__) == {"route", "name", "coordinates", "leg_half_widths_m", "stops"}
    assert set(Stop.__struct_fields__) == {"name", "lon", "lat", "radius_m"}
    assert len(VehicleClass) == 5
