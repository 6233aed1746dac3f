"""Figures of history, on demand: `.venv/bin/python tests/bench/history.py --vehicles 11574 --hours 24` is a day of 100 million fixes.

Private servers, removed at the end; nothing of it runs in CI. A fix every 10 s for each vehicle, written as the recorder writes, a minute of all
vehicles at a time. Asked are: the first byte of one vehicle's track (audit row included) over HTTP from a process of its own; who was in a city
during an hour, held against looking at every row; what an index costs the COPY, and what it gives the search.
"""

import argparse
import asyncio
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import numpy as np
import shapely

from services.cli.benchmarks.base import Bench
from services.contracts.alert import iso
from services.contracts.fix import Fixes, fix_columns
from services.contracts.registry import Config
from services.runtime.clock import monotonic_s
from services.runtime.servers.process import free_port
from services.runtime.settings import Settings
from services.store import connect, history

START_MS = 1_795_363_200_000 // 86_400_000 * 86_400_000
STEP_MS, SLICE_MS, HOUR_MS = 10_000, 60_000, 3_600_000
CITY = (106.10, 38.35, 106.45, 38.60)  # some 30 x 28 km
GAP_S = 120
EARTH_M = 6_371_008.7714
INDEXES = {
    "vehicle,at": (),
    "+ brin(at)": ("USING brin (at) WITH (pages_per_range = 32, autosummarize = on)",),
    "+ gist(position)": ("USING gist (position)",),
}
COPIED = 1_000_000


class Fleet:
    """Vehicles on circles of their own, a third of them about the city, the others all over a province; pure functions of time."""

    def __init__(self, vehicles: int) -> None:
        """Everything follows from the seed."""
        random = np.random.default_rng(5)
        self.vehicles = vehicles
        about = random.random(vehicles) < 0.33
        self.lon = np.where(
            about, random.normal(106.27, 0.12, vehicles), random.uniform(104.5, 107.6, vehicles)
        )
        self.lat = np.where(about, random.normal(38.47, 0.10, vehicles), random.uniform(35.3, 39.4, vehicles))
        self.radius = random.uniform(0.002, 0.25, vehicles)
        self.pace = random.uniform(5, 30, vehicles) / (self.radius * 95_000)  # rad/s at 5-30 m/s
        self.phase = random.uniform(0, 2 * np.pi, vehicles)

    def fixes(self, from_ms: int, until_ms: int) -> Fixes:
        """All fixes of a stretch of time, in event-time order."""
        moments = np.arange(from_ms, until_ms, STEP_MS)
        made = fix_columns(len(moments) * self.vehicles)
        times = np.repeat(moments, self.vehicles)
        angle = self.phase + self.pace * ((moments[:, None] - START_MS) / 1000)
        made["vehicle"] = np.tile(np.arange(1, self.vehicles + 1), len(moments))
        made["time_ms"], made["received_ms"] = times, times + 700
        made["lon_e7"] = np.round((self.lon + self.radius * np.cos(angle)).ravel() * 1e7)
        made["lat_e7"] = np.round((self.lat + self.radius * np.sin(angle)).ravel() * 1e7)
        made["speed"], made["heading"] = 400, 90
        made["odometer_m"] = (times - START_MS) // 100
        made["raw_offset"] = np.arange(len(made)) + (from_ms - START_MS) // STEP_MS * self.vehicles
        return made


async def load(settings: Settings, fleet: Fleet, hours: float) -> int:
    """Write the day; gives the number of fixes."""
    conn = await connect.connection(settings.database_url, command_timeout_s=600)
    begun_s, count = monotonic_s(), 0
    await conn.execute("SET statement_timeout = 0")
    await history.make_days(conn, [history.day_of(START_MS)])
    for start in range(START_MS, START_MS + round(hours * HOUR_MS), SLICE_MS):
        async with conn.transaction():
            count += await history.copy_fixes(conn, 0, fleet.fixes(start, start + SLICE_MS))
        if (start - START_MS) % HOUR_MS == 0:
            say(f"  {count / 1e6:.1f} M fixes, {count / (monotonic_s() - begun_s):,.0f}/s")
    await conn.execute(f"VACUUM (ANALYZE) {history.table_of(history.day_of(START_MS))}", timeout=3600)
    await conn.execute("INSERT INTO operator (name) VALUES ('企业') ON CONFLICT DO NOTHING")
    await conn.execute(
        "INSERT INTO vehicle (plate, plate_color) SELECT '宁A' || lpad(n::text, 5, '0'), 'yellow' FROM generate_series(1, $1) n ORDER BY n",
        fleet.vehicles,
    )
    await conn.execute("INSERT INTO terminal SELECT 'T' || id FROM vehicle")
    await conn.execute(
        "INSERT INTO registration (vehicle_id, vehicle_class, terminal, operator_id, division, status, valid_from)"
        " SELECT id, 'coach', 'T' || id, 1, CASE WHEN id % 2 = 0 THEN '640104' ELSE '640200' END, 'active', '2020-01-01Z' FROM vehicle"
    )
    await conn.execute("ANALYZE")
    await conn.close()
    return count


async def copying(settings: Settings, fleet: Fleet) -> None:
    """What each index costs the COPY: fixes a second into fresh day tables, the kinds in turn, three times."""
    conn = await connect.connection(settings.database_url, command_timeout_s=600)
    await conn.execute("SET statement_timeout = 0")
    rates: dict[str, list[float]] = {name: [] for name in INDEXES}
    slices = max(1, round(COPIED / (fleet.vehicles * SLICE_MS / STEP_MS)))
    parts = [fleet.fixes(START_MS + n * SLICE_MS, START_MS + (n + 1) * SLICE_MS) for n in range(slices)]
    rows = sum(len(part) for part in parts)
    for place in range(3):
        for name, extra in INDEXES.items():
            day = history.day_of(START_MS) + 10
            await conn.execute(f"DROP TABLE IF EXISTS {history.table_of(day)}")
            await conn.execute(f"CREATE TABLE {history.table_of(day)} (LIKE fix INCLUDING DEFAULTS)")
            await conn.execute(f"CREATE INDEX ON {history.table_of(day)} (vehicle, at)")
            for index in extra:
                await conn.execute(f"CREATE INDEX ON {history.table_of(day)} {index}")
            await conn.execute("CHECKPOINT")
            begun_s = monotonic_s()
            for part in parts:
                moved = part.copy()
                moved["time_ms"] += 10 * history.DAY_MS
                async with conn.transaction():
                    await history.copy_fixes(conn, 0, moved)
            rates[name].append(rows / (monotonic_s() - begun_s))
        say(
            f"  round {place + 1}: "
            + ", ".join(f"{name} {values[-1]:,.0f}/s" for name, values in rates.items())
        )
    await conn.execute(f"DROP TABLE IF EXISTS {history.table_of(history.day_of(START_MS) + 10)}")
    await conn.close()
    for name, values in rates.items():
        say(
            f"COPY with ({name}): median {sorted(values)[1]:,.0f} fixes/s, {min(values):,.0f}-{max(values):,.0f}"
        )


@contextmanager
def api(bench: Bench, settings: Settings) -> Iterator[int]:
    """An api process of its own; gives its port."""
    port = free_port()
    environment = (
        os.environ
        | bench.environment(settings)
        | {"ROADWATCH_HTTP_PORT": str(port), "ROADWATCH_LOG_LEVEL": "WARNING"}
    )
    process = subprocess.Popen([sys.executable, "-m", "services.api"], env=environment)
    try:
        deadline_s = monotonic_s() + 60
        while monotonic_s() < deadline_s:
            try:
                ask(port, "GET", "/healthz")
                break
            except OSError:
                process.poll()
        yield port
    finally:
        process.terminate()
        process.wait(30)


def ask(port: int, method: str, path: str, body: object = None) -> tuple[float, float, bytes]:
    """Seconds to the first byte of the body, seconds to its end, the body."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    begun_s = monotonic_s()
    sent = None if body is None else json.dumps(body).encode()
    headers = {"authorization": "Bearer bench", "content-type": "application/json"}
    link.request(method, path, body=sent, headers=headers)
    answer = link.getresponse()
    first = answer.read(1)
    first_s = monotonic_s() - begun_s
    rest = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{path}: {answer.status} {first + rest!r}")
    return first_s, monotonic_s() - begun_s, first + rest


def first_bytes(port: int, fleet: Fleet, hours: float, requests: int) -> None:
    """The track of a vehicle's whole day, another vehicle each time."""
    random = np.random.default_rng(1)
    period = f"from={iso(START_MS)}&to={iso(START_MS + round(hours * HOUR_MS))}&purpose=benchmark"
    firsts, wholes = [], []
    for number, vehicle in enumerate(random.permutation(fleet.vehicles)[: requests + 20] + 1):
        first_s, whole_s, body = ask(port, "GET", f"/v1/vehicles/{vehicle}/track?{period}")
        assert len(json.loads(body)["geometry"]["coordinates"]) == round(hours * HOUR_MS / STEP_MS)
        if number >= 20:  # the process is warm by then
            firsts.append(first_s * 1000)
            wholes.append(whole_s * 1000)
    quantiles = np.percentile(firsts, [50, 90, 99, 100])
    say(f"first byte of a track, {requests} requests: p50 {quantiles[0]:.1f} ms, p90 {quantiles[1]:.1f}, p99 {quantiles[2]:.1f}, max {quantiles[3]:.1f}; whole answer p50 {np.median(wholes):.0f} ms")  # fmt: skip


def truth(fleet: Fleet, from_ms: int, until_ms: int, end_ms: int) -> dict[int, tuple[int, bool]]:
    """Who was there by looking at every row, which end at `end_ms`: vehicle to (fixes inside, between fixes)."""
    city = shapely.box(*CITY)
    fixes = fleet.fixes(from_ms - GAP_S * 1000, min(until_ms + GAP_S * 1000, end_ms))
    lon = (fixes["lon_e7"] / 1e7).reshape(-1, fleet.vehicles)
    lat = (fixes["lat_e7"] / 1e7).reshape(-1, fleet.vehicles)
    times = fixes["time_ms"].reshape(-1, fleet.vehicles)[:, 0]
    during = (times >= from_ms) & (times < until_ms)
    counts = (
        shapely.intersects_xy(city, lon[during].ravel(), lat[during].ravel())
        .reshape(-1, fleet.vehicles)
        .sum(axis=0)
    )
    found = {int(place) + 1: (int(counts[place]), False) for place in np.flatnonzero(counts)}
    legs = (times[:-1] < until_ms) & (times[1:] >= from_ms)
    for place in np.flatnonzero(counts == 0).tolist():
        ways = shapely.linestrings(
            np.stack(
                [
                    np.column_stack([lon[:-1, place], lon[1:, place]]),
                    np.column_stack([lat[:-1, place], lat[1:, place]]),
                ],
                axis=2,
            )[legs]
        )
        if shapely.intersects(city, ways).any():
            found[place + 1] = (0, True)
    return found


def search(port: int, fleet: Fleet, hours: float, label: str, *, compare: bool) -> None:
    """Who was in the city during an hour; three different hours, warm and cold as they come."""
    west, south, east, north = CITY
    ring = [[west, south], [east, south], [east, north], [west, north]]
    took = []
    for number in range(3):
        from_ms = START_MS + round((hours - 1) * HOUR_MS * (number + 1) / 3)
        body = {"polygon": ring, "from": iso(from_ms), "to": iso(from_ms + HOUR_MS), "max_gap_s": GAP_S}
        _, whole_s, answer = ask(port, "POST", "/v1/search/presence?purpose=benchmark", body)
        took.append(whole_s)
        if compare:
            found = {
                item["vehicle"]: (item["fixes"], item["between_fixes"])
                for item in json.loads(answer)["items"]
            }
            expected = truth(fleet, from_ms, from_ms + HOUR_MS, START_MS + round(hours * HOUR_MS))
            say(f"  {len(found)} vehicles, {sum(n for n, _ in found.values()):,} fixes inside, {sum(mark for _, mark in found.values())} between fixes: {'equal to' if found == expected else 'NOT'} brute force")  # fmt: skip
    say(
        f"who was there, a city for an hour ({label}): "
        + ", ".join(f"{seconds:.2f}" for seconds in took)
        + " s"
    )


async def indexes(settings: Settings, statement: str) -> None:
    """Make or drop an index of the day."""
    conn: asyncpg.Connection = await connect.connection(settings.database_url, command_timeout_s=3600)
    await conn.execute("SET statement_timeout = 0")
    begun_s = monotonic_s()
    await conn.execute(statement.format(table=history.table_of(history.day_of(START_MS))), timeout=3600)
    say(f"  {statement.partition(' ON ')[0].lower()}: {monotonic_s() - begun_s:.0f} s")
    await conn.close()


def say(line: str) -> None:
    """Tell at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--vehicles", type=int, default=11_574)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--gist", action="store_true", help="also search with a GiST index on the position")
    parser.add_argument("--copy", action="store_true", help="also measure what each index costs the COPY")
    given = parser.parse_args()
    fleet = Fleet(given.vehicles)
    with Bench() as bench:
        settings = asyncio.run(bench.system(Config(version=1)))
        say(f"{asyncio.run(load(settings, fleet, given.hours)):,} fixes of {given.vehicles:,} vehicles")
        with api(bench, settings) as port:
            first_bytes(port, fleet, given.hours, given.requests)
            search(port, fleet, given.hours, "brin(at)", compare=True)
            if given.gist:
                asyncio.run(indexes(settings, "CREATE INDEX bench_gist ON {table} USING gist (position)"))
                search(port, fleet, given.hours, "brin(at) and gist(position)", compare=False)
                asyncio.run(indexes(settings, "DROP INDEX bench_gist"))
            asyncio.run(indexes(settings, "DROP INDEX fix_at"))
            search(port, fleet, given.hours, "neither", compare=False)
        if given.copy:
            asyncio.run(copying(settings, fleet))


if __name__ == "__main__":
    main()
