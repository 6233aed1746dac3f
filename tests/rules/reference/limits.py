"""The road a fix is on and the limit in force there, by trying every leg of every road."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.contracts.registry import Config, Road, VehicleClass, Zone
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import bearing_deg, distance_to_leg_m, inside_rings, turn_deg
from tests.rules.reference.parameters import (
    CEILING,
    Parameters,
    class_at,
    half_up,
    in_force,
    inside,
    local_day,
    local_ms,
    tenths,
)

EQUAL_M = 0.01


@dataclass(frozen=True)
class Limit:
    """What holds at a fix; speeds in 0.1 km/h."""

    in_force: int
    statutory: int  # the part of it that kind and band compare with
    road: int | None  # place in config.roads; None where it gives no limit
    matched: int | None  # the road taken, whether or not it gives a limit
    confidence: float
    doubt: tuple[
        tuple[int, int], ...
    ]  # where the roads that fit equally differ: their places and limits in force


def limit_at(config: Config, fix: Fix, road_before: int | None) -> Limit:
    """The limit at a fix that takes part in speeding.

    Args:
        config: map and parameters.
        fix: with a speed.
        road_before: `matched` of the previous fix that took part.
    """
    parameters = in_force(config, "speeding", fix.time_ms)
    vehicle_class = class_at(config, fix.vehicle, fix.time_ms)
    fitting = _fitting_roads(config, fix, in_force(config, "matching", fix.time_ms))
    roads: list[int | None] = list(fitting) or [None]
    limits = {place: _limit(config, fix, vehicle_class, parameters, place) for place in roads}

    highest = max(limits[place][:2] for place in roads)
    best = _nearest(
        {place: 0.0 if place is None else fitting[place] for place in roads if limits[place][:2] == highest},
        road_before,
    )
    force, statutory, gives = limits[best]
    differ = len({limits[place][:2] for place in roads}) > 1
    return Limit(
        in_force=force,
        statutory=statutory,
        road=best if gives else None,
        matched=best,
        confidence=0.5 if differ else 1.0,
        doubt=tuple((place, limits[place][0]) for place in fitting) if differ else (),
    )


def _nearest(distances: dict[int | None, float], road_before: int | None) -> int | None:
    """The road of the fix before, else the nearest, of equally near ones the first of the map."""
    if road_before in distances:
        return road_before
    least = min(distances.values())
    return next(place for place, distance in distances.items() if distance <= least + EQUAL_M)


def _fitting_roads(config: Config, fix: Fix, matching: Parameters) -> dict[int, float]:
    """Places of the roads that fit equally, in the order of the map, and how far each is."""
    distances = {place: _road_distance(road, fix, matching) for place, road in enumerate(config.roads)}
    found = {place: distance for place, distance in distances.items() if distance is not None}
    least = min(found.values(), default=0.0)
    return {place: distance for place, distance in found.items() if distance <= least + matching["tie_m"]}


def _road_distance(road: Road, fix: Fix, parameters: Parameters) -> float | None:
    """Metres to the nearest leg whose direction fits; None where none is within the radius."""
    distances = []
    for start, end in zip(road.coordinates, road.coordinates[1:], strict=False):
        if start == end or not _direction_fits(road, bearing_deg(start, end), fix, parameters):
            continue
        distances.append(distance_to_leg_m((fix.lon, fix.lat), start, end))
    least = min(distances, default=None)
    return least if least is not None and least <= parameters["match_radius_m"] else None


def _direction_fits(road: Road, bearing: float, fix: Fix, parameters: Parameters) -> bool:
    speed = fix.used_speed
    if fix.heading is None or speed is None or speed < parameters.tenths("moving_kmh"):
        return True
    turns = [turn_deg(bearing, fix.heading)]
    if not road.oneway:
        turns.append(turn_deg(bearing + 180, fix.heading))
    widest: float = parameters["match_heading_deg"]
    return min(turns) <= widest + 1e-6


def _figures(vehicle_class: VehicleClass, fix: Fix) -> str:
    """Whose statutory, unmatched and ceiling figures hold: a school bus known to be without pupils is as a coach."""
    if vehicle_class == VehicleClass.SCHOOL_BUS and fix.pupils is False:
        return VehicleClass.COACH.value
    return vehicle_class.value


def _limit(
    config: Config, fix: Fix, vehicle_class: VehicleClass, parameters: Parameters, place: int | None
) -> tuple[int, int, bool]:
    """Limit in force, statutory part, and whether the road gives any of it."""
    night = inside(parameters.window("night_window"), local_ms(fix.time_ms))
    figures = _figures(vehicle_class, fix)
    statutory_of_class, posted, night_limit = None, None, None
    if place is not None:
        road = config.roads[place]
        statutory_of_class = _tenths(
            (parameters["statutory_kmh"].get(figures) or {}).get(road.road_class.value)
        )
        posted = _tenths(road.class_limits_kmh.get(vehicle_class.value, road.limit_kmh))
        night_limit = _tenths(road.night_limit_kmh) if night else None
    sign = posted if night_limit is None else night_limit
    on_road = statutory_of_class is not None or sign is not None
    unmatched = None if on_road else _tenths(parameters["unmatched_limit_kmh"].get(figures))
    zones = [
        tenths(zone.limit_kmh)
        for zone in config.zones
        if zone.limit_kmh is not None and holds(zone, fix, vehicle_class)
    ]

    factor = parameters["night_factor"].get(vehicle_class.value) if night else None
    multiplied = _least(statutory_of_class, posted if night_limit is None else None, unmatched)
    monitoring = None if factor is None or multiplied is None else half_up(Fraction(str(factor)) * multiplied)

    force = _least(statutory_of_class, sign, *zones, monitoring, unmatched)
    statutory = _least(statutory_of_class, sign, *zones, None if on_road else CEILING[figures])
    assert statutory is not None
    return (NO_LIMIT if force is None else force), statutory, on_road


NO_LIMIT = 65_535
"""Nothing limits: `unmatched_limit_kmh` of the class is null."""


def _tenths(kmh: float | None) -> int | None:
    return None if kmh is None else tenths(kmh)


def _least(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)


def _on_its_day(zone: Zone, day: date) -> bool:
    def named(spans: tuple[tuple[str, str], ...]) -> bool:
        return any(date.fromisoformat(first) <= day <= date.fromisoformat(last) for first, last in spans)

    if named(zone.except_dates) or (zone.days and day.weekday() not in zone.days):
        return False
    return not zone.dates or named(zone.dates)


def holds(zone: Zone, fix: Fix, vehicle_class: VehicleClass) -> bool:
    """Whether a zone holds for this class, at this hour and date, and the fix is in it."""
    if zone.classes and vehicle_class not in zone.classes:
        return False
    begun = zone.from_ms is None or zone.from_ms <= fix.time_ms
    over = zone.to_ms is not None and zone.to_ms <= fix.time_ms
    if not begun or over or not _on_its_day(zone, local_day(fix.time_ms)):
        return False
    spans = [(start_s * 1000, end_s * 1000) for start_s, end_s in zone.hours]
    if spans and not any(inside(span, local_ms(fix.time_ms)) for span in spans):
        return False
    point = (fix.lon, fix.lat)
    if zone.line:
        legs = zip(zone.line, zone.line[1:], strict=False)
        return any(distance_to_leg_m(point, start, end) <= zone.buffer_m for start, end in legs)
    return any(inside_rings(point, polygon) for polygon in zone.polygons)
