"""Silences (catalogue section 5) and one plate in two places (section 6): what lies between neighbouring fixes."""

import itertools

from services.contracts.registry import Config
from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import distance_m
from tests.rules.reference.limits import holds, limit_at
from tests.rules.reference.parameters import Parameters, class_at, in_force


def _apart_m(a: Fix, b: Fix) -> float:
    return distance_m((a.lon, a.lat), (b.lon, b.lat))


def silence(config: Config, fixes: list[tuple[Fix, int]]) -> list[Episode]:
    """Episodes of one vehicle; every judged fix takes part, fixed or not."""
    tunnels = _in_tunnels(config, [fix for fix, _ in fixes])
    result: list[Episode] = []
    for (f, driver), (g, _) in itertools.pairwise(fixes):
        parameters = in_force(config, "silence", g.time_ms)
        gap_ms = g.time_ms - f.time_ms
        if not parameters["enabled"] or gap_ms <= parameters.ms("silence_s"):
            continue
        excused = _excused(config, f, gap_ms, parameters, tunnel=f.time_ms in tunnels)
        kind = _kind(f, g, parameters, excused=excused)
        if kind is None:
            continue
        fixed = [fix for fix, _ in fixes if not fix.not_fixed and fix.time_ms <= f.time_ms]
        place = fixed[-1] if fixed else f
        moved_m = None if f.not_fixed or g.not_fixed else _apart_m(f, g)
        result.append(
            Episode(
                rule="silence", kind=kind, vehicle=f.vehicle, driver=driver or None, began_ms=f.time_ms, ended_ms=g.time_ms,
                last_ms=g.time_ms, state="closed", severity=_severity(kind, gap_ms, moved_m, parameters), confidence=1.0,
                at=(f.time_ms, place.lon_e7, place.lat_e7), limit=parameters.ms("silence_s"), peak=gap_ms, band=None,
                why={"moved_m": moved_m},
            )
        )  # fmt: skip
    return result


def _kind(f: Fix, g: Fix, parameters: Parameters, *, excused: bool) -> str | None:
    moving = f.used_speed is not None and f.used_speed >= parameters.tenths("moving_kmh")
    moved = not f.not_fixed and not g.not_fixed and _apart_m(f, g) > parameters["moved_m"]
    if "power_lost" in f.alarms and (f.acc is not False or (not moving and moved)):
        return "power_lost"
    if excused or not (moving or moved):
        return None
    return "moving" if moving else "moved"


def _excused(config: Config, f: Fix, gap_ms: int, parameters: Parameters, *, tunnel: bool) -> bool:
    if gap_ms > parameters.ms("excused_s") or f.not_fixed:
        return False
    vehicle_class = class_at(config, f.vehicle, f.time_ms)
    return tunnel or any(zone.kind == "dead_zone" and holds(zone, f, vehicle_class) for zone in config.zones)


def _in_tunnels(config: Config, fixes: list[Fix]) -> set[int]:
    """Moments of the fixes that speeding finds in a tunnel."""
    found: set[int] = set()
    before: int | None = None
    for fix in fixes:
        if fix.has_speed:
            before = limit_at(config, fix, before).matched
            if before is not None and config.roads[before].tunnel:
                found.add(fix.time_ms)
    return found


def _severity(kind: str, gap_ms: int, moved_m: float | None, parameters: Parameters) -> str:
    if kind == "power_lost":
        return "major"
    if kind == "moved":
        return "major" if moved_m is not None and moved_m >= parameters["far_m"] else "minor"
    return "info" if gap_ms < 1_800_000 else "minor" if gap_ms < 7_200_000 else "major"


def identity(config: Config, fixes: list[tuple[Fix, int]]) -> list[Episode]:
    """Episodes of one vehicle."""
    parts = [(fix, driver) for fix, driver in fixes if fix.has_position]
    jumps: list[tuple[Fix, Fix, int, bool]] = []  # f, g, driver at g, whether a return
    for (f, _), (g, driver) in itertools.pairwise(parts):
        parameters = in_force(config, "identity", g.time_ms)
        far = _apart_m(f, g)
        fast = far * 3600 > parameters["jump_kmh"] * (g.time_ms - f.time_ms)
        if parameters["enabled"] and far > parameters["jump_m"] and fast:
            before = jumps[-1] if jumps else None
            back = (
                before is not None
                and _apart_m(g, before[0]) <= parameters["near_m"]
                and g.time_ms - before[1].time_ms <= parameters.ms("window_s")
            )
            jumps.append((f, g, driver, back))
    returns = [jump for jump in jumps if jump[3]]
    chains: list[list[tuple[Fix, Fix, int, bool]]] = []
    for jump in returns:
        window_ms = in_force(config, "identity", jump[1].time_ms).ms("window_s")
        if chains and jump[1].time_ms - chains[-1][-1][1].time_ms <= window_ms:
            chains[-1].append(jump)
        else:
            chains.append([jump])
    return [_described(config, chain, parts) for chain in chains if _opens(config, chain)]


def _opens(config: Config, chain: list[tuple[Fix, Fix, int, bool]]) -> bool:
    return any(
        count >= in_force(config, "identity", g.time_ms)["min_returns"] for count, (_, g, _, _) in enumerate(chain, start=1)
    )  # fmt: skip


def _described(
    config: Config, chain: list[tuple[Fix, Fix, int, bool]], parts: list[tuple[Fix, int]]
) -> Episode:
    (_, first, driver, _), (f, last, _, _) = chain[0], chain[-1]
    closed = any(
        fix.time_ms - last.time_ms > in_force(config, "identity", fix.time_ms).ms("window_s")
        for fix, _ in parts
        if fix.time_ms > last.time_ms
    )
    return Episode(
        rule="identity", kind="two_places", vehicle=first.vehicle, driver=driver or None, began_ms=first.time_ms,
        ended_ms=last.time_ms if closed else None, last_ms=last.time_ms, state="closed" if closed else "open", severity="major",
        confidence=1.0, at=(first.time_ms, first.lon_e7, first.lat_e7), limit=in_force(config, "identity", last.time_ms)["min_returns"],
        peak=len(chain), band=None, why={"places": [[f.lon, f.lat], [last.lon, last.lat]]},
    )  # fmt: skip
