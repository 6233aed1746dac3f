"""Real input through the whole system: a day of the buses of Austin, as a city's own feed had it, with its repeats and its order.

The file is shared data beside the checkout (`../shared/data`); docs/real-input.md tells what is found in it and why.
"""

import asyncio
import csv
import gzip
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.cli.benchmarks.system import Processes
from services.contracts.alert import iso
from services.contracts.registry import Config, Vehicle, VehicleClass
from services.runtime.clock import monotonic_s
from services.runtime.kafka import make_topics
from services.runtime.servers.process import free_port
from services.runtime.settings import Settings
from tests.conftest import RunRoadwatch
from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix
from tests.rules.reference.judging import judge

POSITIONS = (
    Path(__file__).parents[3] / "shared" / "data" / "capmetro_austin_buses" / "positions_2015-03-07.csv.gz"
)
RECEIVED, REPEATED = 44_564, 139
LATE = 28_159
MAP = ("--map", "vehicle_id=terminal")
TICK_S = 1

pytestmark = [
    pytest.mark.skipif(
        not POSITIONS.exists(), reason=f"{POSITIONS} is not there: the data beside the checkout is missing"
    ),
    pytest.mark.timeout(300),
]


@dataclass(frozen=True)
class Judged:
    """What `roadwatch judge` says of the file."""

    episodes: list[dict[str, Any]]
    summary: dict[str, int]


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    """The file's rows."""
    with gzip.open(POSITIONS, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def vehicles(rows: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every bus of the file registered as a coach."""
    file = tmp_path_factory.mktemp("buses") / "vehicles.csv"
    lines = ["plate,plate_color,class,terminal,operator,division"]
    lines += [
        f"ATX{bus},blue,coach,{bus},CapMetro,640100" for bus in sorted({row["vehicle_id"] for row in rows})
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def judged(vehicles: Path, run_roadwatch: RunRoadwatch) -> Judged:
    """The file judged without a server."""
    done = run_roadwatch("judge", POSITIONS, *MAP, "--vehicles", vehicles, "--area", "world", timeout_s=120)
    assert done.returncode == 0, done.stderr
    told = [line.rsplit(" ", 1) for line in done.stderr.splitlines()]
    summary = {name: int(count) for name, count in told if count.isdigit()}
    return Judged([json.loads(line) for line in done.stdout.splitlines()], summary)


def test_the_file_is_judged_as_the_reference_judges_it(judged: Judged, rows: list[dict[str, str]]) -> None:
    """Rows read from the file by hand, judged by the slow reference: the same episodes, field by field."""
    assert judged.summary["received"] == judged.summary["accepted"] == RECEIVED == len(rows)
    buses = sorted({row["vehicle_id"] for row in rows})
    numbers = {bus: place for place, bus in enumerate(buses, 1)}
    registered = tuple(
        Vehicle(id=number, plate=f"ATX{bus}", plate_color="blue", vehicle_class=VehicleClass.COACH, terminal=bus,
                operator="CapMetro", division="640100")
        for bus, number in numbers.items()
    )  # fmt: skip
    fixes = sorted((fix_of(row, numbers) for row in rows), key=lambda fix: fix.time_ms)
    found = judge(Config(vehicles=registered), fixes)
    terminals = {number: bus.zfill(12) for bus, number in numbers.items()}
    assert ordered(judged.episodes, plain) == ordered(found, lambda episode: told_plainly(episode, terminals))


def fix_of(row: dict[str, str], numbers: dict[str, int]) -> Fix:
    """A row as the reference reads it: to 1e-7 degree and 0.1 km/h, a half upwards."""
    return Fix(
        vehicle=numbers[row["vehicle_id"]],
        time_ms=round(datetime.fromisoformat(row["time"]).timestamp() * 1000),
        lon_e7=_scaled(row["lon"], 7),
        lat_e7=_scaled(row["lat"], 7),
        speed=_scaled(row["speed_kmh"], 1),
    )


def _scaled(text: str, digits: int) -> int:
    return int((Decimal(text).scaleb(digits)).to_integral_value(ROUND_HALF_UP))


def plain(episode: dict[str, Any]) -> dict[str, Any]:
    """What engine and reference have in common of a fatigue episode; there are no others in this file."""
    at, why = episode["at"], episode["why"]
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
        "limit",
        "peak",
    )
    return {name: episode[name] for name in kept} | {
        "at": (round(at["lon"] * 1e7), round(at["lat"] * 1e7), at["time"]),
        "spell": why["spell_began"],
        "timeline": [(part["state"], part["from"], part["to"]) for part in why["timeline"]],
    }


SAME = ("rule", "kind", "driver", "state", "severity", "confidence")


def told_plainly(episode: Episode, terminals: dict[int, str]) -> dict[str, Any]:
    """A fatigue episode of the reference in the same form."""
    assert episode["rule"] == "fatigue", episode
    at_ms, lon, lat = episode["at"]
    ended_ms = episode["ended_ms"]
    kept = {name: value for name, value in episode.items() if name in SAME}
    return kept | {
        "terminal": terminals[episode["vehicle"]],
        "began": iso(episode["began_ms"]),
        "ended": None if ended_ms is None else iso(ended_ms),
        "limit": episode["limit"] / 1000,
        "peak": episode["peak"] / 1000,
        "at": (lon, lat, iso(at_ms)),
        "spell": iso(episode["why"]["spell_began_ms"]),
        "timeline": [(state, iso(begin), iso(end)) for state, begin, end in episode["why"]["timeline"]],
    }


def ordered(episodes: list[Any], form: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
    """Episodes in one form and one order."""
    return sorted(map(form, episodes), key=lambda e: (e["terminal"], e["began"], e["rule"], e["kind"]))


@dataclass(frozen=True)
class Live:
    """A system that has taken the whole file."""

    settings: Settings
    conn: psycopg.Connection[tuple[Any, ...]]
    http_port: int
    metrics_port: int

    def number(self, query: str) -> int:
        """The number a query gives."""
        row = self.conn.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0] or 0)


@contextmanager
def replayed(
    settings: Settings, vehicles: Path, run_roadwatch: RunRoadwatch, folder: Path, order: str
) -> Iterator[Live]:
    """The file sent through Kafka into ingest, recorder and rules, all of it taken; the api stands beside them."""
    http_port, metrics_port = free_port(), free_port()
    env = {
        "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ROADWATCH_DATABASE_URL": settings.database_url,
        "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix,
        "ROADWATCH_TOKEN": settings.token,
        "ROADWATCH_OLDEST_DAYS": "0",
        "ROADWATCH_SERVICE_AREA": "world",
        "ROADWATCH_TICK_EVERY_S": str(TICK_S),
        "ROADWATCH_HTTP_PORT": str(http_port),
        "ROADWATCH_LOG_FORMAT": "json",
    }
    asyncio.run(make_topics(settings))
    imported = run_roadwatch("import", "vehicles", vehicles, env=env)
    assert imported.returncode == 0, imported.stderr
    with (
        Processes(env, folder / "run") as system,
        Processes(env | {"ROADWATCH_METRICS_PORT": str(metrics_port)}, folder / "rules") as rules,
        psycopg.connect(settings.database_url, autocommit=True) as conn,
    ):
        rules.start("rules", wait=False)
        system.start("ingest", "recorder", "api")
        rules.wait_ready("rules")
        sent = run_roadwatch("replay", POSITIONS, *MAP, "--order", order, env=env)
        assert sent.returncode == 0, sent.stderr
        assert sent.stdout.split()[-1] == str(RECEIVED)
        live = Live(settings, conn, http_port, metrics_port)
        until(lambda: live.number("SELECT count(*) FROM fix"), RECEIVED)
        until(lambda: sum(outcomes(live).values()), RECEIVED)
        yield live


def until(ask: Callable[[], object], value: object, within_s: float = 120) -> None:
    """Poll until the answer is the value."""
    end_s = monotonic_s() + within_s
    found = ask()
    while found != value and monotonic_s() < end_s:
        time.sleep(0.2)
        found = ask()
    assert found == value


def outcomes(live: Live) -> dict[str, int]:
    """What the rules did with the fixes they read, as their metrics tell."""
    with urllib.request.urlopen(f"http://127.0.0.1:{live.metrics_port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return {
        sample.labels["outcome"]: int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "roadwatch_rules_fixes_total"
    }


def served(live: Live) -> list[dict[str, Any]]:
    """Every alert, page by page, as the api serves them."""
    alerts: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = httpx2.get(
            f"http://127.0.0.1:{live.http_port}/v1/alerts",
            params={"limit": "100", **cursor},
            headers={"Authorization": f"Bearer {live.settings.token}"},
            timeout=10,
            trust_env=False,
        ).json()
        alerts += page["items"]
        if page["next"] is None:
            return alerts
        cursor = {"cursor": page["next"]}


def conserved(live: Live) -> None:
    """Every report received once: by partition in the counts, and one row of history for each."""
    reports = live.conn.execute(
        "SELECT partition, next_offset, counts FROM progress WHERE consumer = 'ingest'"
    ).fetchall()
    for partition, next_offset, counts in reports:
        told = {name: counts.get(name, 0) for name in ("accepted", "flagged", "quarantined", "rejected")}
        assert sum(told.values()) == next_offset, (partition, told)
        own = f"FROM fix WHERE source_partition = {partition}"
        assert live.number(f"SELECT count(*) {own}") == told["accepted"] + told["flagged"]
        assert live.number(f"SELECT count(DISTINCT raw_offset) {own}") == told["accepted"] + told["flagged"]
    assert sum(next_offset for _, next_offset, _ in reports) == RECEIVED
    assert live.number("SELECT count(*) FROM fix") == RECEIVED
    assert live.number("SELECT last FROM feed") == live.number("SELECT count(*) FROM alert_event")


KEPT = (
    "rule",
    "kind",
    "terminal",
    "driver",
    "began",
    "severity",
    "confidence",
    "at",
    "limit",
    "peak",
    "unit",
    "why",
)


def content(alert: dict[str, Any]) -> dict[str, Any]:
    """What live and file must agree on whether or not a tick has closed it."""
    return {name: alert[name] for name in KEPT}


def ends(alerts: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """State and end of each alert, in one order."""
    return [(alert["state"], alert["ended"]) for alert in in_order(alerts)]


def in_order(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Alerts in one order."""
    return sorted(alerts, key=lambda e: (e["terminal"], e["began"], e["rule"], e["kind"]))


def test_live_in_the_order_of_time_is_the_judged_file(
    settings: Settings, vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path, judged: Judged
) -> None:
    """Live, stored and served, is what judging the file gives; the last of open alerts too, once a tick has told it."""
    expected = ordered(judged.episodes, content)
    with replayed(settings, vehicles, run_roadwatch, tmp_path, "time") as live:
        conserved(live)
        assert outcomes(live) == {
            "judged": RECEIVED - REPEATED,
            "duplicate": REPEATED,
            "late": 0,
            "unknown_vehicle": 0,
        }
        until(lambda: ordered(stored(live), content) == expected, value=True)
        alerts = served(live)
    assert ordered(alerts, content) == expected
    for (state, ended), episode in zip(ends(alerts), in_order(judged.episodes), strict=True):
        if episode["state"] == "closed" or state == "open":
            assert (state, ended) == (episode["state"], episode["ended"])
        else:  # by a tick: the end that a later fix would have proved
            assert (state, ended) == ("closed", episode["at"]["time"])


def stored(live: Live) -> list[dict[str, Any]]:
    """Every alert as it stands in the database."""
    return [json.loads(row[0]) for row in live.conn.execute("SELECT data FROM alert").fetchall()]


def test_live_as_recorded_keeps_every_fix_and_counts_the_late_ones(
    settings: Settings, vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    """The file is sorted by trip: most fixes come after a newer one. They are history, and told as late; no rule has seen them."""
    with replayed(settings, vehicles, run_roadwatch, tmp_path, "recorded") as live:
        conserved(live)
        told = outcomes(live)
        assert (told["late"], told["unknown_vehicle"]) == (LATE, 0)
        assert told["judged"] + told["duplicate"] == RECEIVED - LATE
        until(lambda: len(served(live)) == len(stored(live)) > 0, value=True)
