"""Reports: what terminals send of the motion - sampled at their interval, with noise, gaps, repeats and late uploads.

All chance is a hash of (seed, vehicle, second), so a report is the same however the run is cut. Text is made by one template per
report: at 10,000 reports a second a general JSON encoder would cost more than the fleet.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from services.contracts.registry import CLASSES, VehicleClass
from services.simulator import geo
from services.simulator.fleet import Fleet
from services.simulator.geo import Floats
from services.simulator.limits import EMPTY_SCHOOL_BUS, is_night
from services.simulator.motion import Seconds
from services.simulator.noise import normal, smooth, uniform
from services.simulator.simulation import Silences
from services.simulator.world import World

SENT = np.dtype(
    [
        ("sent_s", "i8"),  # when it reaches us
        ("time_s", "i8"),  # event time
        ("vehicle", "i4"),
        ("lon", "f8"),
        ("lat", "f8"),
        ("speed_kmh", "f8"),
        ("recorder_kmh", "f8"),
        ("heading", "i4"),
        ("odometer_m", "f8"),
        ("satellites", "i4"),
        ("moving", "?"),
        ("column", "i1"),
        ("card", "i1"),
        ("above", "?"),  # the speed told is above the limit that truly holds; not told
        ("backfill", "?"),
    ]
)

PARKED_S = 300
PARKED_AFTER_S = 1500
REPEATED, LATE_BY_ONE = 0.002, 0.03
LOCAL = timezone(timedelta(hours=8))


class Reporter:
    """Turns slices of motion into reports in the order they arrive; keeps what is to be sent later."""

    def __init__(self, world: World, fleet: Fleet, seed: int, *, parked_slow: bool = True) -> None:
        """`parked_slow`: a parked terminal reports every five minutes only, as real ones do."""
        self.world, self.seed, self.parked_slow = world, seed, parked_slow
        vehicles = fleet.vehicles
        self._interval = np.array([v.terminal.interval_s for v in vehicles])
        self._phase = np.array([v.terminal.phase_s for v in vehicles])
        self._sigma = np.array([v.terminal.sigma_m for v in vehicles])
        self._tunnels = np.array([section.tunnel for section in world.network.sections])
        self._pending = np.zeros(0, SENT)

    def reports(self, seconds: Seconds, silences: Silences) -> NDArray[np.void]:
        """What arrives during this slice, in order of arrival."""
        vehicle, second = np.nonzero(self._due(seconds, silences))
        late = uniform(self.seed, vehicle, second + seconds.from_s, 11) < LATE_BY_ONE
        second = np.minimum(second + late, seconds.speed_mps.shape[1] - 1)
        rows = self._sample(seconds, vehicle, second)
        self._hold(rows, silences)
        again = rows[uniform(self.seed, rows["vehicle"], rows["time_s"], 12) < REPEATED].copy()
        again["sent_s"] += 2
        waiting = np.concatenate((self._pending, rows, again))
        now = waiting["sent_s"] < seconds.from_s + seconds.speed_mps.shape[1]
        self._pending = waiting[~now]
        return _in_order(waiting[now])

    def rest(self) -> NDArray[np.void]:
        """What had not arrived yet at the end of the run."""
        rest, self._pending = _in_order(self._pending), np.zeros(0, SENT)
        return rest

    def _due(self, seconds: Seconds, silences: Silences) -> NDArray[np.bool_]:
        """Which seconds each terminal reports: its interval, slower when parked, not in tunnels nor switched off."""
        count = seconds.speed_mps.shape[1]
        t = seconds.from_s + np.arange(count)
        due = (t + self._phase[:, None]) % self._interval[:, None] == 0
        if self.parked_slow:
            slow = self._interval * np.maximum(PARKED_S // self._interval, 1)
            often = seconds.still_s < PARKED_AFTER_S
            due &= often | ((t + self._phase[:, None]) % slow[:, None] == 0)
        due &= ~self._tunnels[seconds.section]
        for vehicle, since, to in silences.off:
            due[vehicle, max(since - seconds.from_s, 0) : max(to - seconds.from_s, 0)] = False
        return np.asarray(due)

    def _sample(
        self, seconds: Seconds, vehicle: NDArray[np.int64], second: NDArray[np.int64]
    ) -> NDArray[np.void]:
        rows = np.zeros(len(vehicle), SENT)
        rows["vehicle"], rows["time_s"] = vehicle, seconds.from_s + second
        rows["sent_s"] = rows["time_s"] + 1
        speed = seconds.speed_mps[vehicle, second].astype(np.float64) * 3.6
        lon, lat, bearing = self.world.tracks.locate(
            seconds.track[vehicle, second], seconds.at_m[vehicle, second]
        )
        self._place(rows, lon, lat)
        self._speeds(rows, speed)
        back = seconds.direction[vehicle, second] < 0
        wobble = normal(self.seed, vehicle, rows["time_s"], 3) * 2.0
        rows["heading"] = np.floor(bearing + np.where(back, 180.0, 0.0) + wobble + 0.5).astype(int) % 360
        rows["odometer_m"] = seconds.odometer_m[vehicle, second]
        rows["satellites"] = 8 + (uniform(self.seed, vehicle, rows["time_s"], 4) * 9).astype(int)
        rows["moving"] = speed > 0
        night = is_night(rows["time_s"]).astype(int)
        limit = self.world.in_force[seconds.section[vehicle, second], seconds.column[vehicle, second], night]
        rows["above"] = np.round(rows["speed_kmh"], 1) > limit
        rows["column"], rows["card"] = seconds.column[vehicle, second], seconds.card[vehicle, second]
        return rows

    def _place(self, rows: NDArray[np.void], lon: Floats, lat: Floats) -> None:
        """A slow error of a few metres that drifts from minute to minute, and a fast one below a metre."""
        vehicle, t = rows["vehicle"], rows["time_s"]
        per_lon, per_lat = geo.metres_per_degree(lat)
        sigma = self._sigma[vehicle]
        east = smooth(self.seed, vehicle, t, 5) * sigma + normal(self.seed, vehicle, t, 7) * 0.6
        north = smooth(self.seed, vehicle, t, 6) * sigma + normal(self.seed, vehicle, t, 8) * 0.6
        rows["lon"], rows["lat"] = lon + east / per_lon, lat + north / per_lat

    def _speeds(self, rows: NDArray[np.void], speed_kmh: Floats) -> None:
        vehicle, t = rows["vehicle"], rows["time_s"]
        moving = speed_kmh > 0
        noisy = speed_kmh + normal(self.seed, vehicle, t, 9) * 0.35
        creeping = np.where(uniform(self.seed, vehicle, t, 10) < 0.03, 0.9, 0.0)
        rows["speed_kmh"] = np.where(moving, np.maximum(noisy, 0.0), creeping)
        rows["recorder_kmh"] = np.where(moving, speed_kmh * 1.004, 0.0)

    def _hold(self, rows: NDArray[np.void], silences: Silences) -> None:
        """Reports of a blind area arrive together, some seconds after its end, marked as uploaded later."""
        for vehicle, since, to in silences.held:
            kept = (rows["vehicle"] == vehicle) & (rows["time_s"] >= since) & (rows["time_s"] < to)
            rows["sent_s"][kept] = to + 5
            rows["backfill"][kept] = True


def _in_order(rows: NDArray[np.void]) -> NDArray[np.void]:
    return rows[np.lexsort((rows["time_s"], rows["vehicle"], rows["sent_s"]))]


class Writer:
    """Writes reports as the JSON of the interfaces page, section 1."""

    def __init__(self, fleet: Fleet) -> None:
        """Prepare what is the same in every report of a vehicle."""
        self._heads = [f'{{"v":1,"terminal":"{v.terminal.number}","time":"' for v in fleet.vehicles]
        self.keys = [v.terminal.number.encode() for v in fleet.vehicles]
        self._cards = [_cards(v.crew if v.terminal.card_reader else None) for v in fleet.vehicles]
        freight = (VehicleClass.FREIGHT, VehicleClass.HAZMAT)
        self._loads = [
            f',"load":"{("full", "half", "empty")[v.index % 3]}"' if v.vehicle_class in freight else ""
            for v in fleet.vehicles
        ]

    def lines(self, rows: NDArray[np.void]) -> Iterator[str]:
        """One JSON object a report, in the order given."""
        times = {int(t): datetime.fromtimestamp(int(t), LOCAL).isoformat() for t in np.unique(rows["time_s"])}
        pupils = _PUPILS
        columns = (rows[name].tolist() for name in SENT.names or () if name not in {"sent_s", "above"})
        altitude = (1100.0 + np.maximum(38.0 - rows["lat"], 0.0) * 320.0).astype(int).tolist()
        for (
            t,
            i,
            lon,
            lat,
            kmh,
            vss,
            heading,
            odometer,
            satellites,
            moving,
            column,
            card,
            backfill,
        ), up in zip(zip(*columns, strict=True), altitude, strict=True):
            yield (
                f'{self._heads[i]}{times[t]}","lon":{lon:.6f},"lat":{lat:.6f},"speed_kmh":{kmh:.1f},'
                f'"recorder_speed_kmh":{vss:.1f},"heading":{heading},"altitude_m":{up},"odometer_km":{odometer / 1000:.1f},'
                f'"satellites":{satellites},"acc":{"true" if moving or card >= 0 else "false"}{pupils[column]}'
                f"{self._loads[i]}{self._cards[i][card]}{_BACKFILL[backfill]}}}"
            )


_PUPILS = [',"pupils":true' if c is VehicleClass.SCHOOL_BUS else "" for c in CLASSES] + [',"pupils":false']
_BACKFILL = {False: "", True: ',"backfill":true'}
assert len(_PUPILS) == EMPTY_SCHOOL_BUS + 1  # noqa: S101 - the tables above are one table


def _cards(crew: tuple[str, ...] | None) -> list[str]:
    """The `driver` part of a report by the place of the card in the crew; -1, the last, is no card."""
    if crew is None:
        return ["", "", ""]
    codes = [f',"driver":"{code}"' for code in crew]
    return [*codes, *([""] * (2 - len(codes))), ',"driver":""']
