"""The feed of the benchmarks: a made-up fleet on made-up roads, as packed fixes and as the reports they come from.

It is plain load, not truth: vehicles go to and fro on a few hundred roads, most within the law and with rests, some not.
Everything follows from the seed, so that two runs measure the same work.
"""

import msgspec
import numpy as np

from services.contracts.fix import Fixes, fix_columns
from services.contracts.registry import CLASSES, ROAD_CLASSES, Assignment, Config, Road, Route, Vehicle

ROADS = 240
POINTS = 120
STEP_M = 250.0
M_PER_DEGREE_LAT, M_PER_DEGREE_LON = 110_990.0, 87_840.0
HASTY = 0.01
"""Share of vehicles that drive about their limit; the others stay well below."""
SLOW = tuple(place for place, name in enumerate(CLASSES) if name in ("hazmat", "school_bus"))
START_MS = 1_763_942_400_000  # 2025-11-24T00:00:00Z
DAY_MS = 86_400_000


def _lines(rng: np.random.Generator) -> np.ndarray:
    """ROADS winding lines, (ROADS, POINTS, 2) lon, lat."""
    headings = rng.uniform(0, 2 * np.pi, (ROADS, 1)) + np.cumsum(
        rng.normal(0, 0.08, (ROADS, POINTS - 1)), axis=1
    )
    steps = np.stack(
        [np.cos(headings) * STEP_M / M_PER_DEGREE_LON, np.sin(headings) * STEP_M / M_PER_DEGREE_LAT], axis=2
    )
    starts = np.stack([rng.uniform(105.0, 107.3, ROADS), rng.uniform(36.0, 39.0, ROADS)], axis=1)
    return np.concatenate([starts[:, None, :], starts[:, None, :] + np.cumsum(steps, axis=1)], axis=1)


def _vehicle(number: int) -> Vehicle:
    return Vehicle(
        id=number,
        plate=f"宁A{number:05d}",
        plate_color="yellow",
        vehicle_class=CLASSES[number % len(CLASSES)],
        terminal=str(13_900_000_000 + number),
        operator=f"企业{number % 50}",
        division="640100",
    )


def _assignment(number: int) -> Assignment:
    """A month's duty of a vehicle on its route."""
    return Assignment(
        vehicle=number, route=f"R{number % ROADS}", from_ms=START_MS - DAY_MS, to_ms=START_MS + 30 * DAY_MS
    )


def fleet(vehicles: int, seed: int = 1) -> Config:
    """A config with `vehicles` vehicles, a road and a route for each line, every vehicle assigned to one."""
    lines = _lines(np.random.default_rng(seed))
    coordinates = [tuple((float(lon), float(lat)) for lon, lat in line) for line in lines.round(7)]
    numbers = range(1, vehicles + 1)
    return Config(
        version=1,
        vehicles=tuple(_vehicle(number) for number in numbers),
        roads=tuple(
            Road(
                road_class=ROAD_CLASSES[place % 2],
                coordinates=line,
                name=f"路{place}",
                limit_kmh=100.0 - 10 * (place % 3),
            )
            for place, line in enumerate(coordinates)
        ),
        routes=tuple(
            Route(
                route=f"R{place}",
                name=f"线路{place}",
                coordinates=line,
                leg_half_widths_m=(100.0,) * (len(line) - 1),
            )
            for place, line in enumerate(coordinates)
        ),
        assignments=tuple(_assignment(number) for number in numbers),
    )


def drives(vehicles: int, reports: int, *, every_s: float = 15.0, seed: int = 1) -> Fixes:
    """`reports` fixes a vehicle, one `every_s`, interleaved as a fleet reports: (reports × vehicles) rows in event-time order."""
    rng = np.random.default_rng(seed)
    lines = _lines(np.random.default_rng(seed))
    number = np.arange(1, vehicles + 1)
    second = np.arange(reports)[:, None] * every_s + rng.uniform(0, every_s, vehicles)[None, :]
    slow = np.isin(number % len(CLASSES), SLOW)
    hasty = rng.random(vehicles) < HASTY
    pace = np.where(slow, rng.uniform(30, 42, vehicles), rng.uniform(45, 64, vehicles)) + np.where(
        hasty, 22, 0
    )
    wave = rng.uniform(0, 2 * np.pi, vehicles)
    speed = pace[None, :] + 9 * np.sin(second / 97 + wave) + rng.normal(0, 1.5, second.shape)
    rest_every_s = rng.choice([9_000.0, 12_000.0, 40_000.0], vehicles, p=[0.6, 0.35, 0.05])
    resting = (second + wave * 1_500) % (rest_every_s + 1_500)[None, :] > rest_every_s[None, :]
    speed = np.where(resting, 0.0, np.clip(speed, 0, 150))
    travelled = np.cumsum(speed / 3.6 * every_s, axis=0) + rng.uniform(0, 20_000, vehicles)
    length = STEP_M * (POINTS - 1)
    along = length - np.abs(travelled % (2 * length) - length)
    leg = np.minimum((along / STEP_M).astype(int), POINTS - 2)
    share = along / STEP_M - leg
    road = number % ROADS
    first, after = lines[road[None, :], leg], lines[road[None, :], leg + 1]
    place = first + (after - first) * share[..., None] + rng.normal(0, 4e-5, (*share.shape, 2))
    ahead = np.degrees(
        np.arctan2((after - first)[..., 0] * M_PER_DEGREE_LON, (after - first)[..., 1] * M_PER_DEGREE_LAT)
    )
    back = (travelled % (2 * length)) >= length
    fixes = fix_columns(vehicles * reports)
    fixes["vehicle"] = np.broadcast_to(number, second.shape).ravel()
    fixes["time_ms"] = (START_MS + second * 1000).astype(np.int64).ravel()
    fixes["received_ms"] = fixes["time_ms"] + 800
    fixes["lon_e7"], fixes["lat_e7"] = (np.round(place[..., axis].ravel() * 1e7) for axis in (0, 1))
    fixes["speed"] = np.floor(speed * 10 + 0.5).astype(np.uint16).ravel()
    fixes["heading"] = (np.where(back, ahead + 180, ahead) % 360).astype(np.uint16).ravel() % 360
    fixes["odometer_m"] = (100_000_000 + travelled).astype(np.uint32).ravel()
    fixes["raw_offset"] = np.arange(len(fixes))
    return fixes


class _Report(msgspec.Struct):
    """Every field of interfaces section 1, so that decoding is measured on the whole schema."""

    terminal: str
    time: str
    lon: float
    lat: float
    speed_kmh: float
    recorder_speed_kmh: float
    heading: int
    odometer_km: float
    driver: str
    v: int = 1
    altitude_m: int = 1112
    satellites: int = 11
    fixed: bool = True
    acc: bool = True
    in_service: bool = True
    load: str = "full"
    doors: tuple[str, ...] = ()
    pupils: bool = False
    alarms: tuple[str, ...] = ()
    datum: str = "WGS-84"
    backfill: bool = False


def reports(fixes: Fixes) -> list[tuple[bytes, bytes]]:
    """(key, value) of the JSON reports that these fixes come from, the whole schema in each."""
    encoder = msgspec.json.Encoder()
    local = (fixes["time_ms"] + 8 * 3_600_000).astype("datetime64[ms]")
    times = np.datetime_as_string(local, unit="ms").tolist()
    columns = [
        fixes[name].tolist() for name in ("vehicle", "lon_e7", "lat_e7", "speed", "heading", "odometer_m")
    ]
    return [
        (
            f"0{13_900_000_000 + vehicle}".encode(),
            encoder.encode(
                _Report(
                    terminal=f"0{13_900_000_000 + vehicle}",
                    time=time + "+08:00",
                    lon=lon / 1e7,
                    lat=lat / 1e7,
                    speed_kmh=speed / 10,
                    recorder_speed_kmh=speed / 10,
                    heading=heading,
                    odometer_km=odometer / 1000,
                    driver=f"640100-{vehicle:05d}",
                )
            ),
        )
        for time, vehicle, lon, lat, speed, heading, odometer in zip(times, *columns, strict=True)
    ]
