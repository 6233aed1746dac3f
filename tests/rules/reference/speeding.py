"""Speeding: first every fix gets its limit, then runs of fixes above become bursts, then bursts become episodes.

Three passes over whole lists, none of which knows of the others' state.
"""

from dataclasses import dataclass
from typing import Any

from services.contracts.registry import Config
from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix
from tests.rules.reference.limits import Limit, limit_at
from tests.rules.reference.parameters import Parameters, in_force

BANDS = ("0-10%", "10-20%", "20-50%", "50%+")


@dataclass(frozen=True)
class Judged:
    """A fix that takes part, and what holds at it."""

    place: int  # among those that take part
    fix: Fix
    driver: int
    limit: Limit
    parameters: Parameters

    @property
    def speed(self) -> int:
        """0.1 km/h."""
        assert self.fix.used_speed is not None
        return self.fix.used_speed

    @property
    def above(self) -> bool:
        """Compared as integers of 0.1 km/h."""
        return self.speed > self.limit.in_force + self.parameters.tenths("tolerance_kmh")

    @property
    def above_statutory(self) -> bool:
        """Above what the law allows, which the tolerance does not widen."""
        return self.speed > self.limit.statutory


def speeding(config: Config, fixes: list[tuple[Fix, int]]) -> list[Episode]:
    """Episodes of one vehicle; `fixes` are judged ones in order, each with the driver then on the vehicle."""
    judged = _judged(config, [(fix, driver) for fix, driver in fixes if fix.has_speed])
    episodes = _episodes(_bursts(judged))
    return [_described(config, episode, judged) for episode in episodes]


def _judged(config: Config, fixes: list[tuple[Fix, int]]) -> list[Judged]:
    result: list[Judged] = []
    for fix, driver in fixes:
        limit = limit_at(config, fix, result[-1].limit.matched if result else None)
        result.append(Judged(len(result), fix, driver, limit, in_force(config, "speeding", fix.time_ms)))
    return result


def _bursts(judged: list[Judged]) -> list[list[Judged]]:
    """Runs of consecutive fixes all above, no two neighbours more than max_gap_s apart."""
    bursts: list[list[Judged]] = []
    for row in judged:
        if not row.above:
            continue
        last = bursts[-1][-1] if bursts else None
        neighbours = last is not None and last.place == row.place - 1
        if (
            neighbours
            and last is not None
            and row.fix.time_ms - last.fix.time_ms <= row.parameters.ms("max_gap_s")
        ):
            bursts[-1].append(row)
        else:
            bursts.append([row])
    return bursts


def _opens(burst: list[Judged]) -> bool:
    return any(row.fix.time_ms - burst[0].fix.time_ms > row.parameters.ms("min_duration_s") for row in burst)


def _episodes(bursts: list[list[Judged]]) -> list[list[Judged]]:
    """Bursts long enough, each with those that begin soon enough after the last fix above; these need no length."""
    episodes: list[list[Judged]] = []
    for burst in bursts:
        first = burst[0]
        if episodes and first.fix.time_ms - episodes[-1][-1].fix.time_ms <= first.parameters.ms(
            "merge_window_s"
        ):
            episodes[-1] += burst
        elif _opens(burst):
            episodes.append(list(burst))
    return episodes


def _closed(episode: list[Judged], judged: list[Judged]) -> bool:
    """Whether a fix comes more than merge_window_s after the last one above; had it belonged, it would not come after the last."""
    last = episode[-1]
    return any(
        row.fix.time_ms - last.fix.time_ms > row.parameters.ms("merge_window_s")
        for row in judged[last.place + 1 :]
    )


def _peak(episode: list[Judged]) -> Judged:
    peak = episode[0]
    for row in episode:
        if row.speed * peak.limit.in_force > peak.speed * row.limit.in_force:
            peak = row
    return peak


def band_of(speed: int, against: int) -> str | None:
    """Share of the excess in the limit, lower edges inclusive; None when there is none."""
    if speed <= against:
        return None
    percent = 100 * (speed - against)
    return BANDS[sum(percent >= edge * against for edge in (10, 20, 50))]


def _severity(kind: str, band: str | None) -> str:
    if kind == "monitoring":
        return "info"
    return {None: "minor", "0-10%": "minor", "10-20%": "minor", "20-50%": "major", "50%+": "critical"}[band]


def _named(config: Config, doubt: tuple[tuple[int, int], ...]) -> list[dict[str, Any]]:
    """Roads by their reference and name, with their limits in km/h."""
    roads = [(config.roads[place], limit) for place, limit in doubt]
    return [
        {"road": " ".join(part for part in (road.ref, road.name) if part) or None, "limit": limit / 10}
        for road, limit in roads
    ]


def _described(config: Config, episode: list[Judged], judged: list[Judged]) -> Episode:
    first, last, peak = episode[0], episode[-1], _peak(episode)
    kind = "statutory" if any(row.above_statutory for row in episode) else "monitoring"
    band = band_of(peak.speed, peak.limit.statutory)
    closed = _closed(episode, judged)
    doubts = [row.limit.doubt for row in episode if row.limit.doubt]
    return Episode(
        rule="speeding",
        kind=kind,
        vehicle=first.fix.vehicle,
        driver=first.driver or None,
        began_ms=first.fix.time_ms,
        ended_ms=last.fix.time_ms if closed else None,
        last_ms=last.fix.time_ms,
        state="closed" if closed else "open",
        severity=_severity(kind, band),
        confidence=min(row.limit.confidence for row in episode),
        at=(peak.fix.time_ms, peak.fix.lon_e7, peak.fix.lat_e7),
        limit=peak.limit.in_force,
        peak=peak.speed,
        band=band,
        why={
            "road": peak.limit.road,
            "statutory": peak.limit.statutory,
            "doubt": _named(config, doubts[0]) if doubts else None,
        },
    )
