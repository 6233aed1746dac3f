"""Terminals whose clock lost a turn of the GPS week number, live and in a file: told by name, and nothing is dated years back."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from services.cli.benchmarks.system import Processes
from services.cli.replay import too_old
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import make_topics
from services.runtime.settings import Settings
from tests.conftest import RunRoadwatch
from tests.journeys.test_main_road import environment

ROLLOVER = timedelta(days=7_168)
REPORTS = 90
JUDGE_S = 300

pytestmark = pytest.mark.timeout(400)  # what was changed is compiled first


def drive(
    terminal: str, began: datetime, *, rolled: bool = False, mixed: bool = False
) -> list[dict[str, object]]:
    """118 km/h for a quarter of an hour, a report each 10 s; `mixed`: every eighth time is a turn of the week number behind."""
    lines: list[dict[str, object]] = []
    for number in range(REPORTS):
        at = began + timedelta(seconds=10 * number)
        behind = rolled or (mixed and number % 8 == 7)
        lines.append(
            {"terminal": terminal, "time": (at - ROLLOVER if behind else at).isoformat().replace("+00:00", "Z"),
             "lon": round(106.2 + 0.00375 * number, 7), "lat": 38.4, "speed_kmh": 118.0, "heading": 90}
        )  # fmt: skip
    return lines


@pytest.fixture
def vehicles(tmp_path: Path) -> Path:
    rows = [f"宁A5000{n},yellow,coach,1390005000{n},测试客运公司,640100" for n in (1, 2)]
    file = tmp_path / "vehicles.csv"
    file.write_text("\n".join(["plate,plate_color,class,terminal,operator,division", *rows, ""]), "utf-8")
    return file


def written(folder: Path, *drives: list[dict[str, object]]) -> Path:
    file = folder / "positions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for lines in drives for line in lines), "utf-8")
    return file


def until(
    conn: psycopg.Connection[tuple[object, ...]], query: LiteralString, value: int, within_s: float = 60
) -> None:
    end_s, found = monotonic_s() + within_s, None
    while found != value and monotonic_s() < end_s:
        row = conn.execute(query).fetchone()
        found = row[0] if row else None
        time.sleep(0.1)
    assert found == value


def test_live_nothing_is_dated_years_back(
    settings: Settings, vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    env = environment(settings) | {"ROADWATCH_OLDEST_DAYS": "400", "ROADWATCH_TICK_EVERY_S": "1"}
    asyncio.run(make_topics(settings))
    assert run_roadwatch("import", "vehicles", vehicles, env=env).returncode == 0
    began = datetime.fromtimestamp(now_ms() // 1000, UTC) - timedelta(hours=1)
    file = written(
        tmp_path, drive("13900050001", began, rolled=True), drive("13900050002", began, mixed=True)
    )
    rolled = REPORTS + REPORTS // 8
    with (
        Processes(env, tmp_path / "run") as system,
        psycopg.connect(settings.database_url, autocommit=True) as conn,
    ):
        system.start("ingest", "recorder", "rules")
        sent = run_roadwatch("replay", file, env=env)
        assert sent.returncode == 0, sent.stderr
        assert "--shift-to-now" in sent.stderr
        assert f"{rolled} of {2 * REPORTS} reports are older than 400 days" in sent.stderr
        until(
            conn,
            "SELECT sum((counts->>'CLOCK_ROLLOVER')::int)::int FROM progress WHERE consumer = 'ingest'",
            rolled,
        )
        until(conn, "SELECT count(*)::int FROM fix", 2 * REPORTS - rolled)
        until(conn, "SELECT count(*)::int FROM alert", 1)
        dated = conn.execute("SELECT min(at), (SELECT min(began) FROM alert) FROM fix").fetchone()
        assert dated is not None
        assert all(moment >= began for moment in dated)


def test_a_file_names_the_terminals_whose_clock_turned_now_and_then(
    vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    began = datetime(2026, 11, 23, 2, tzinfo=UTC)
    file = written(tmp_path, drive("13900050001", began), drive("13900050002", began, mixed=True))
    done = run_roadwatch("judge", file, "--vehicles", vehicles, timeout_s=JUDGE_S)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert next(line for line in lines if "rollover" in line).endswith(f" {REPORTS // 8}")
    assert f"  of terminal 013900050002 {REPORTS // 8}" in lines
    assert "013900050001" not in done.stderr


def test_a_file_of_one_date_is_no_rollover(
    vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    began = datetime(2026, 11, 23, 2, tzinfo=UTC)
    for lines in (drive("13900050001", began), drive("13900050001", began, rolled=True)):
        done = run_roadwatch("judge", written(tmp_path, lines), "--vehicles", vehicles, timeout_s=JUDGE_S)
        assert done.returncode == 0, done.stderr
        assert "rollover" not in done.stderr


@pytest.mark.parametrize(
    ("speed_kmh", "said"), [(None, "tell no speed"), (0.0, "tells speed 0"), (118.0, None)]
)
def test_a_file_says_what_cannot_be_judged_for_want_of_speed(
    vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path, speed_kmh: float | None, said: str | None
) -> None:
    began = datetime(2026, 11, 23, 2, tzinfo=UTC)
    changed = [line | {"speed_kmh": speed_kmh} for line in drive("13900050001", began)]
    file = written(tmp_path, changed, drive("13900050002", began))
    done = run_roadwatch("judge", file, "--vehicles", vehicles, timeout_s=JUDGE_S)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "cannot be judged" in line]
    assert len(told) == (1 if said else 0)
    if said:
        assert said in told[0]
        assert f"  of terminal 013900050001 {REPORTS}" in done.stderr
    assert "013900050002" not in done.stderr


def test_a_replay_of_what_is_fresh_or_not_asked_about_says_nothing() -> None:
    day_ms = 86_400_000
    assert too_old([0, 500 * day_ms], 500 * day_ms, 0) == ""
    assert too_old([100 * day_ms, 500 * day_ms], 500 * day_ms, 400) == ""
    assert "1 of 2" in too_old([100 * day_ms - 1, 500 * day_ms], 500 * day_ms, 400)
