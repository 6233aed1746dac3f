"""The true episodes: what drivers really did, read second by second off the motion, whatever their terminals reported of it.

The definitions are those of the interfaces page applied to full knowledge: the real speed against the limit of the section really
under the vehicle, the real driver (not the card), the real distance from the assigned route. Nothing here shares code with the rules.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.compiled import Record, compiled_freely
from services.simulator.limits import LOCAL_OFFSET_S, NIGHT_FROM_S, NIGHT_TO_S
from services.simulator.motion import Seconds
from services.simulator.world import HALF_WIDTH_M, MARGIN_M, World

SPEEDING, DEVIATION, SPELL, NIGHT_SPELL, RUN, OTHER_CARD = 0, 1, 2, 3, 4, 5
"""Kinds of rows. A RUN is every unbroken run of seconds above the limit, however short; with OTHER_CARD it explains what a judge that
sees reports only may miss or take for an episode."""

BURST_S, MERGE_S = 30, 60
OFF_S = 60
REST_S = 1200
CONTINUOUS_S, NIGHT_S = 14_400, 7_200
DUST_KMH = 0.05
"""Half of the step in which speeds are compared: a limit kept to the last decimal is kept."""

CREW = 2

EPISODE = np.dtype(
    [
        ("what", "i1"),
        ("open", "i1"),  # still going on at the end of the run
        ("vehicle", "i4"),
        ("driver", "i1"),
        ("statutory", "i1"),
        ("section", "i4"),
        ("track", "i4"),
        ("began_s", "i8"),
        ("ended_s", "i8"),
        ("at_s", "i8"),  # moment of the peak
        ("at_m", "f8"),
        ("peak", "f8"),  # km/h, m
        ("limit", "f8"),  # km/h, m
        ("statutory_kmh", "f8"),
        ("over_s", "i8"),  # spells: first second at the wheel beyond the limit, 0 none
    ]
)

WATCH = np.dtype(
    [
        ("run_from_s", "i8"),  # speeding: first second of the run above, 0 none
        ("last_above_s", "i8"),
        ("open", "i1"),
        ("speeding", EPISODE),
        ("off", EPISODE),  # off route: began_s 0 = not off
        ("spell_from_s", "i8", (CREW,)),
        ("spell_last_s", "i8", (CREW,)),
        ("spell_over_s", "i8", (CREW,)),
        ("last_at_m", "f8", (CREW,)),
        ("last_track", "i4", (CREW,)),
        ("night_from_s", "i8", (CREW,)),
        ("night_last_s", "i8", (CREW,)),
        ("night_over_s", "i8", (CREW,)),
        ("night_at_m", "f8", (CREW,)),
        ("card_from_s", "i8"),  # at the wheel with another card in, 0 not
        ("card_last_s", "i8"),
    ]
)

ROOM = 200_000


class Observer:
    """Watches the motion and keeps the episodes. Feed `see` every slice in order, then call `finish` once."""

    def __init__(self, world: World, assigned: NDArray[np.bool_]) -> None:
        """`assigned`: which vehicles have a route to keep to."""
        self.world, self.assigned = world, assigned
        self._watch = np.zeros(len(self.assigned), WATCH)
        self._found: list[NDArray[np.void]] = []

    def see(self, seconds: Seconds) -> None:
        """Adds one slice."""
        room = np.zeros(ROOM, EPISODE)
        tracks = self.world.tracks
        count = _see(
            self._watch, self.assigned, seconds.from_s, seconds.speed_mps, seconds.at_m, seconds.track, seconds.section,
            seconds.column, seconds.driver, seconds.card, self.world.in_force, self.world.statutory,
            tracks.off_at, tracks.off_from_m, tracks.off_m, HALF_WIDTH_M + MARGIN_M, room,
        )  # fmt: skip
        if count < 0:
            raise RuntimeError(f"more than {ROOM} episodes in one slice: make slices shorter")
        self._found.append(room[:count].copy())

    def finish(self) -> NDArray[np.void]:
        """Every episode and every spell at the wheel, those still going on marked open."""
        room = np.zeros(len(self._watch) * (4 + 2 * CREW), EPISODE)
        count = _flush(self._watch, room)
        return np.concatenate([*self._found, room[:count]])


@compiled_freely
def _is_night(t: int) -> bool:
    of_day = (t + LOCAL_OFFSET_S) % 86400
    return of_day >= NIGHT_FROM_S or of_day < NIGHT_TO_S


@compiled_freely
def _see_speed(
    w: Record,
    i: int,
    t: int,
    kmh: float,
    at: float,
    track: int,
    section: int,
    column: int,
    driver: int,
    in_force: Record,
    statutory: Record,
    room: Record,
    n: int,
) -> int:
    """Speeding, one second: runs above of more than BURST_S open, runs within MERGE_S of the last second above join."""
    night = 1 if _is_night(t) else 0
    limit, law = in_force[section, column, night], statutory[section, column, night]
    if w["open"] == 1 and t > w["last_above_s"] + MERGE_S:
        n = _close_speeding(w, room, n)
    if kmh <= limit + DUST_KMH:
        if w["run_from_s"] > 0:
            n = _put(room, n, RUN, i, driver, w["run_from_s"], t - 1, 0)
        w["run_from_s"] = 0
        return n
    _go_on_above(w, i, t, kmh, limit, law, at, track, section, driver)
    return n


@compiled_freely
def _go_on_above(
    w: Record,
    i: int,
    t: int,
    kmh: float,
    limit: float,
    law: float,
    at: float,
    track: int,
    section: int,
    driver: int,
) -> None:
    """A second above the limit: the run goes on or begins, and opens an episode or adds to it."""
    if w["run_from_s"] == 0:
        w["run_from_s"] = t
        if w["open"] == 0:
            w["speeding"]["peak"] = 0.0
            w["speeding"]["statutory"] = 0
            w["speeding"]["driver"] = driver
    e = w["speeding"]
    if kmh > law + DUST_KMH:
        e["statutory"] = 1
    if e["peak"] == 0.0 or kmh * e["limit"] > e["peak"] * limit:
        e["peak"], e["limit"], e["statutory_kmh"], e["at_s"] = kmh, limit, law, t
        e["at_m"], e["track"], e["section"] = at, track, section
    if w["open"] == 0 and t - w["run_from_s"] > BURST_S:
        w["open"] = 1
        e["what"], e["vehicle"], e["began_s"] = SPEEDING, i, w["run_from_s"]
    w["last_above_s"] = t


@compiled_freely
def _close_speeding(w: Record, room: Record, n: int) -> int:
    w["open"] = 0
    w["speeding"]["ended_s"] = w["last_above_s"]
    room[n] = w["speeding"]
    return n + 1


@compiled_freely
def _see_route(
    w: Record,
    i: int,
    t: int,
    away: float,
    at: float,
    track: int,
    section: int,
    driver: int,
    limit: float,
    room: Record,
    n: int,
) -> int:
    """Off the route, one second."""
    e = w["off"]
    if away > limit:
        if e["began_s"] == 0:
            e["what"], e["vehicle"], e["driver"], e["began_s"], e["peak"] = DEVIATION, i, driver, t, 0.0
        e["ended_s"] = t
        if away > e["peak"]:
            e["peak"], e["limit"], e["at_s"] = away, limit, t
            e["at_m"], e["track"], e["section"] = at, track, section
        return n
    if e["began_s"] > 0 and e["ended_s"] - e["began_s"] >= OFF_S:
        room[n] = e
        n += 1
    e["began_s"] = 0
    return n


@compiled_freely
def _see_wheel(
    w: Record, i: int, t: int, kmh: float, driver: int, at: float, track: int, room: Record, n: int
) -> int:
    """Time at the wheel, one second: a spell ends when its driver has not driven for REST_S, its night part with the night."""
    for d in range(CREW):
        rested = t - w["spell_last_s"][d] >= REST_S
        if w["spell_from_s"][d] > 0 and rested:
            n = _put_spell(w, d, room, n, i, 0)
        if w["night_from_s"][d] > 0 and (rested or not _is_night(t)):
            n = _put_night(w, d, room, n, i, 0)
    if kmh <= 0.0 or driver < 0:
        return n
    w["spell_last_s"][driver], w["last_at_m"][driver], w["last_track"][driver] = t, at, track
    if w["spell_from_s"][driver] == 0:
        w["spell_from_s"][driver] = t
    if w["spell_over_s"][driver] == 0 and t - w["spell_from_s"][driver] > CONTINUOUS_S:
        w["spell_over_s"][driver] = t
    if _is_night(t):
        if w["night_from_s"][driver] == 0:
            w["night_from_s"][driver] = t
        w["night_last_s"][driver], w["night_at_m"][driver] = t, at
        if w["night_over_s"][driver] == 0 and t - w["night_from_s"][driver] > NIGHT_S:
            w["night_over_s"][driver] = t
    return n


@compiled_freely
def _see_card(w: Record, i: int, t: int, kmh: float, driver: int, card: int, room: Record, n: int) -> int:
    """Driving with a card in that is not the driver's, one second; pauses shorter than a rest belong to it."""
    if w["card_from_s"] > 0 and t - w["card_last_s"] >= REST_S:
        n = _put(room, n, OTHER_CARD, i, driver, w["card_from_s"], w["card_last_s"], 0)
        w["card_from_s"] = 0
    if kmh > 0.0 and driver >= 0 and card != driver:
        if w["card_from_s"] == 0:
            w["card_from_s"] = t
        w["card_last_s"] = t
    return n


@compiled_freely
def _put(
    room: Record, n: int, what: int, vehicle: int, driver: int, from_s: int, last_s: int, still_open: int
) -> int:
    e = room[n]
    e["what"], e["vehicle"], e["driver"], e["open"] = what, vehicle, driver, still_open
    e["began_s"], e["ended_s"], e["at_s"] = from_s, last_s, last_s
    return n + 1


@compiled_freely
def _put_spell(w: Record, d: int, room: Record, n: int, i: int, still_open: int) -> int:
    _put(room, n, SPELL, i, d, w["spell_from_s"][d], w["spell_last_s"][d], still_open)
    room[n]["over_s"], room[n]["at_m"], room[n]["track"] = (
        w["spell_over_s"][d],
        w["last_at_m"][d],
        w["last_track"][d],
    )
    w["spell_from_s"][d] = w["spell_over_s"][d] = 0
    return n + 1


@compiled_freely
def _put_night(w: Record, d: int, room: Record, n: int, i: int, still_open: int) -> int:
    _put(room, n, NIGHT_SPELL, i, d, w["night_from_s"][d], w["night_last_s"][d], still_open)
    room[n]["over_s"], room[n]["at_m"], room[n]["track"] = (
        w["night_over_s"][d],
        w["night_at_m"][d],
        w["last_track"][d],
    )
    w["night_from_s"][d] = w["night_over_s"][d] = 0
    return n + 1


@compiled_freely
def _see(
    watch: Record,
    assigned: Record,
    from_s: int,
    speed: Record,
    at: Record,
    track: Record,
    section: Record,
    column: Record,
    driver: Record,
    card: Record,
    in_force: Record,
    statutory: Record,
    off_at: Record,
    off_from: Record,
    off: Record,
    off_limit: Record,
    room: Record,
) -> int:
    n = 0
    for i in range(len(watch)):
        w = watch[i]
        for k in range(speed.shape[1]):
            if n + 4 + 2 * CREW > len(room):
                return -1
            t, kmh = from_s + k, speed[i, k] * 3.6
            n = _see_speed(
                w, i, t, kmh, at[i, k], track[i, k], section[i, k], column[i, k], driver[i, k], in_force, statutory, room, n
            )  # fmt: skip
            first, last = off_at[track[i, k]], off_at[track[i, k] + 1]
            if assigned[i] and (last > first or w["off"]["began_s"] > 0):
                cell = first + int((at[i, k] - off_from[track[i, k]]) / 25.0 + 0.5)
                away = off[cell] if first <= cell < last and at[i, k] >= off_from[track[i, k]] else 0.0
                n = _see_route(
                    w, i, t, away, at[i, k], track[i, k], section[i, k], driver[i, k], off_limit, room, n
                )
            n = _see_wheel(w, i, t, kmh, driver[i, k], at[i, k], track[i, k], room, n)
            n = _see_card(w, i, t, kmh, driver[i, k], card[i, k], room, n)
    return n


@compiled_freely
def _flush(watch: Record, room: Record) -> int:
    n = 0
    for i in range(len(watch)):
        w = watch[i]
        if w["run_from_s"] > 0:
            n = _put(room, n, RUN, i, 0, w["run_from_s"], w["last_above_s"], 1)
        if w["open"] == 1:
            n = _close_speeding(w, room, n)
            room[n - 1]["open"] = 1
        if w["off"]["began_s"] > 0 and w["off"]["ended_s"] - w["off"]["began_s"] >= OFF_S:
            room[n] = w["off"]
            room[n]["open"] = 1
            n += 1
        if w["card_from_s"] > 0:
            n = _put(room, n, OTHER_CARD, i, 0, w["card_from_s"], w["card_last_s"], 1)
        for d in range(CREW):
            if w["spell_from_s"][d] > 0:
                n = _put_spell(w, d, room, n, i, 1)
            if w["night_from_s"][d] > 0:
                n = _put_night(w, d, room, n, i, 1)
    return n


def rolling(spells: list[tuple[int, int]], limit_s: int, window_s: int) -> Iterator[tuple[int, int, int]]:
    """When a driver's spells, cut to the window ending now, sum to more than `limit_s`: (first, last second, seconds at last)."""
    if sum(to - since for since, to in spells) <= limit_s:
        return
    edges = np.array([second for spell in spells for second in spell], np.float64)
    done = np.cumsum([0.0, *np.diff(edges) * (np.arange(len(edges) - 1) % 2 == 0)])
    running: tuple[int, int, int] | None = None
    for since, to in spells:
        t = np.arange(since, to + 1)
        total = np.interp(t, edges, done) - np.interp(t - window_s, edges, done, left=0.0)
        above = total > limit_s
        borders = np.flatnonzero(np.diff(np.concatenate(([0], above.astype(np.int8), [0]))))
        if running and not above[0]:
            yield running
            running = None
        for first, stop in borders.reshape(-1, 2):
            running = (running[0] if running else int(t[first]), int(t[stop - 1]), int(total[stop - 1]))
            if stop < len(t):
                yield running
                running = None
    if running:
        yield running
