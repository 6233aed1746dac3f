"""The main road on real servers: reports in Kafka become history and alerts, the same alerts that judging the file gives."""

import asyncio
import json
import time
from pathlib import Path

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from services.cli.benchmarks.system import Processes
from services.contracts.topics import REJECTED
from services.runtime.clock import monotonic_s
from services.runtime.kafka import make_topics
from services.runtime.settings import Settings
from tests.conftest import RunRoadwatch

VEHICLES = """plate,plate_color,class,terminal,operator,division
宁A12345,yellow,coach,13900000021,甲公司,640100
宁A11111,yellow,hazmat,13900000022,乙公司,640100
"""
ROAD = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": [[106.0, 38.48], [106.5, 38.48]]},
            "properties": {"road_class": "expressway", "name": "京藏高速", "ref": "G6"},
        }
    ],
}
SECONDS = 600


def positions() -> str:
    """Two vehicles for ten minutes: bursts of speeding, one merged from two, one still open at the end; three bad lines."""
    lines = []
    for second in range(0, SECONDS, 10):
        stamp = f"2026-11-23T08:{second // 60:02d}:{second % 60:02d}+08:00"
        coach = 118 if 100 <= second <= 200 or second in (240, 250) else 90
        hazmat = 96 if second >= 500 else 70
        for terminal, speed in (("013900000021", coach), ("13900000022", hazmat)):
            report = {
                "terminal": terminal,
                "time": stamp,
                "lon": 106.2 + second * 0.0003,
                "lat": 38.48,
                "speed_kmh": speed,
            }
            lines.append(json.dumps(report | {"heading": 90, "driver": "640100-0001"}))
    lines[7:7] = [
        "not json",
        '{"terminal": "13900000021", "time": "2026-11-23T08:00:00Z", "lon": NaN, "lat": 38}',
    ]
    lines.append(json.dumps({"terminal": "999", "time": "2026-11-23T08:00:00Z", "lon": 106.2, "lat": 38.4}))
    return "\n".join(lines) + "\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The scenario's files."""
    contents = {"v.csv": VEHICLES, "r.geojson": json.dumps(ROAD), "p.jsonl": positions()}
    for name, text in contents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name.split(".")[0]: tmp_path / name for name in contents}


def environment(settings: Settings) -> dict[str, str]:
    """The variables of a system of one's own."""
    return {
        "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ROADWATCH_DATABASE_URL": settings.database_url,
        "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix,
        "ROADWATCH_TOKEN": settings.token,
        "ROADWATCH_OLDEST_DAYS": "0",
        "ROADWATCH_LOG_FORMAT": "json",
    }


def comparable(episode: dict[str, object]) -> dict[str, object]:
    """What live and file must agree on; live names the vehicle more fully, and says whether it is open by a tick."""
    kept = (
        "rule",
        "kind",
        "terminal",
        "driver",
        "began",
        "ended",
        "state",
        "severity",
        "confidence",
        "at",
        "limit",
        "peak",
        "unit",
        "why",
    )
    return {name: episode[name] for name in kept}


def test_live_alerts_equal_judged_ones(
    settings: Settings, files: dict[str, Path], run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    """Counts add up, history holds every accepted report once, events are numbered without a gap, alerts equal the file's."""
    env = environment(settings) | {"ROADWATCH_TICK_EVERY_S": "1"}
    asyncio.run(make_topics(settings))
    judged = run_roadwatch("judge", files["p"], "--vehicles", files["v"], "--roads", files["r"])
    assert judged.returncode == 0, judged.stderr
    with Processes(env, tmp_path / "run") as system:
        system.start("ingest", "recorder", "rules")
        for kind, name in (("vehicles", "v"), ("roads", "r")):
            done = run_roadwatch("import", kind, files[name], env=env)
            assert done.returncode == 0, done.stderr
        time.sleep(2.5)  # ingest looks for a new version each second
        sent = run_roadwatch("replay", files["p"], env=env)
        assert sent.returncode == 0, sent.stderr
        assert str(2 * SECONDS // 10 + 3) in sent.stdout
        with psycopg.connect(settings.database_url, autocommit=True) as conn:
            wait_for(
                conn, "SELECT sum((counts->>'fixes')::bigint) FROM progress WHERE consumer = 'recorder'", 120
            )
            wait_for(conn, "SELECT count(*) FROM alert WHERE state = 'closed'", 1)
            wait_for(conn, "SELECT count(*) FROM alert", 2)
            # what the open one's last fixes brought within the minute, a tick tells
            wait_for(conn, "SELECT count(*) FROM alert WHERE data::json->'why'->>'duration_s' = '90'", 1)
            counts = conn.execute("SELECT counts FROM progress WHERE consumer = 'ingest'").fetchall()
            alerts = [
                json.loads(row[0])
                for row in conn.execute("SELECT data FROM alert ORDER BY began, vehicle_key, rule")
            ]
            fixes = conn.execute(
                "SELECT count(*), count(DISTINCT (source_partition, raw_offset)) FROM fix"
            ).fetchone()
            events = [row[0] for row in conn.execute("SELECT seq FROM alert_event ORDER BY seq")]
    total: dict[str, int] = {}
    for (row,) in counts:
        for name, value in row.items():
            total[name] = total.get(name, 0) + value
    assert (total["accepted"], total["quarantined"], total["rejected"]) == (120, 1, 2)
    assert (total["SYNTAX"], total["NOT_FINITE"], total["UNKNOWN_VEHICLE"]) == (1, 1, 1)
    assert fixes == (120, 120)
    assert events == list(range(1, len(events) + 1))
    expected = [json.loads(line) for line in judged.stdout.splitlines()]
    assert [comparable(alert) for alert in alerts] == [comparable(episode) for episode in expected]
    assert [alert["state"] for alert in alerts] == ["closed", "open"]


def wait_for(
    conn: psycopg.Connection[tuple[object, ...]], query: str, value: int, within_s: float = 30
) -> None:
    """Poll until a query gives a number."""
    until = monotonic_s() + within_s
    found: object = None
    while monotonic_s() < until:
        row = conn.execute(query.encode()).fetchone()
        found = row[0] if row else None
        if found == value:
            return
        time.sleep(0.1)
    pytest.fail(f"{query}: {found}, expected {value}")


def test_rejects_keep_the_original(
    settings: Settings, files: dict[str, Path], run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    """A rejected record stands in gps.rejected with its bytes, its reason and where it came from."""
    env = environment(settings)
    asyncio.run(make_topics(settings))
    with Processes(env, tmp_path / "run") as system:
        system.start("ingest")
        assert run_roadwatch("replay", files["p"], env=env).returncode == 0
        found = asyncio.run(rejected(settings))
    reasons = {record.value: dict(record.headers)["reason"] for record in found}
    assert reasons[b"not json"] == b"SYNTAX"
    assert {name for name, _ in found[0].headers} >= {
        "reason",
        "verdict",
        "source-topic",
        "source-partition",
        "source-offset",
    }


async def rejected(settings: Settings) -> list[ConsumerRecord]:
    """The records of gps.rejected, as an independent reader sees them."""
    consumer = AIOKafkaConsumer(
        settings.topic_prefix + REJECTED,
        bootstrap_servers=settings.kafka_bootstrap,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        found: list[ConsumerRecord] = []
        until = monotonic_s() + 20
        while monotonic_s() < until and len(found) < 123:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()
