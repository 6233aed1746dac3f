"""Ledgers of driving and rest: which fixes of a driver make which spell. Fatigue is then measured on the spells (fatigue.py).

The steps stand in the order of docs/semantics.md, "Fatigue", with its numbers. A ledger forgets nothing: it keeps every fix and every spell.
"""

from dataclasses import dataclass, field

from services.contracts.registry import Config
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import distance_m
from tests.rules.reference.parameters import Parameters, in_force
from tests.rules.reference.switch import Motion, motions_of

ODOMETER_M = 1000
"""An odometer that has grown by no more than this over a silence contradicts no place."""
FASTEST_KMH = 120
"""A way that was made faster over a silence was not made: the position or the odometer is wrong."""


@dataclass
class Spell:
    """Driving without proven rest."""

    moving: list[Fix] = field(default_factory=list)
    on_ms: list[int] = field(default_factory=list)  # those of them at which the switch was on
    unsure_from_ms: int | None = None  # the first fix that shows movement by its place alone
    over_at_ms: int | None = None  # the fix of the vehicle that showed that it is over
    rested: bool = False  # ended by rest, not by a long silence

    @property
    def first_ms(self) -> int:
        """Where it begins."""
        return self.moving[0].time_ms

    @property
    def latest_ms(self) -> int:
        """Where it ends, so far."""
        return self.moving[-1].time_ms


@dataclass(frozen=True)
class Entry:
    """A fix of a ledger, as it turned out."""

    fix: Fix
    moving: bool
    returned: bool  # the first of a presence
    elsewhere: bool  # found elsewhere after a silence that was driving
    ended: bool  # the silence before it ended a spell or a stop


@dataclass
class Ledger:
    """One vehicle's fixes under one driver, 0 for none known."""

    driver: int
    spells: list[Spell] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    present: bool = False
    first_still: Fix | None = None  # of this stop
    latest_moving: Fix | None = (
        None  # before this stop, unless it began with a presence or after a long silence
    )
    spoiled: bool = False
    stray: bool = (
        False  # the latest fix was still, beyond the radius, and the next one decides whether that spoils
    )

    @property
    def running(self) -> Spell | None:
        """The spell that is not over."""
        return self.spells[-1] if self.spells and self.spells[-1].over_at_ms is None else None

    def away(self, fix: Fix, parameters: Parameters) -> None:
        """A fix of the vehicle with another driver on it: this one rests by time alone."""
        self.present = False
        self._rest(fix, parameters, proven=True)

    def step(self, motion: Motion, parameters: Parameters) -> None:
        """A fix of the vehicle with this driver on it."""
        fix = motion.fix
        moving, within, elsewhere, ended = motion.on or motion.displaced, True, False, False
        returned = not self.present
        silence_ms = 0 if returned else fix.time_ms - self.entries[-1].fix.time_ms
        if returned:  # 1
            self._rest(fix, parameters, proven=True)
            self._new_stop()
        else:
            within = self._within(
                self.first_still or (self.latest_moving if moving else fix), fix, parameters
            )
            self._decide_stray(fix, parameters, within=within)
            ended = silence_ms > parameters.ms("max_silence_s")
            if silence_ms > parameters.ms("max_gap_s"):  # 2
                within = self._found_again(fix, parameters)
                elsewhere = not within and _no_room(self.entries[-1].fix, fix, parameters)
                ended = not elsewhere if not within else ended
            if ended:
                self._end(fix, rested=False)
                self._new_stop()
                within = True
            elif not elsewhere:
                self._rest(fix, parameters, proven=within and not self.spoiled)  # 3
        if moving or elsewhere:  # 4
            self._move(motion, parameters, elsewhere=elsewhere)
        else:
            self.first_still = self.first_still or fix
            self.stray = not within
        self.present = True
        self.entries.append(Entry(fix, moving or elsewhere, returned, elsewhere, ended))

    def _new_stop(self) -> None:
        self.first_still, self.latest_moving, self.spoiled, self.stray = None, None, False, False

    def _decide_stray(self, fix: Fix, parameters: Parameters, *, within: bool) -> None:
        """The fix before was still and beyond the radius: one stray position, or a vehicle that moved."""
        if self.stray:
            two_before = self.entries[-2].fix
            soon = fix.time_ms - two_before.time_ms <= parameters.ms("stray_s")
            self.spoiled = self.spoiled or not (within and soon)
            self.stray = False

    def _found_again(self, fix: Fix, parameters: Parameters) -> bool:
        grown_m = _grown_m(self.entries[-1].fix, fix)
        stayed = grown_m is None or grown_m <= ODOMETER_M
        return stayed and self._within(self.first_still or self.latest_moving, fix, parameters)

    @staticmethod
    def _within(place: Fix | None, fix: Fix, parameters: Parameters) -> bool:
        assert place is not None, "a presence begins with a still fix or a moving one"
        radius_m: float = parameters["rest_radius_m"]
        return distance_m((place.lon, place.lat), (fix.lon, fix.lat)) <= radius_m

    def _rest(self, fix: Fix, parameters: Parameters, *, proven: bool) -> None:
        spell = self.running
        if spell is not None and proven and fix.time_ms - spell.latest_ms >= parameters.ms("min_rest_s"):
            self._end(fix, rested=True)

    def _end(self, fix: Fix, *, rested: bool) -> None:
        spell = self.running
        if spell is not None:
            spell.over_at_ms, spell.rested = fix.time_ms, rested

    def _move(self, motion: Motion, parameters: Parameters, *, elsewhere: bool) -> None:
        fix, spell = motion.fix, self.running
        if spell is None:
            spell = Spell()
            self.spells.append(spell)
        on_lately = any(fix.time_ms - on_ms < parameters.ms("min_rest_s") for on_ms in spell.on_ms)
        if (elsewhere or (motion.displaced and not on_lately)) and spell.unsure_from_ms is None:
            spell.unsure_from_ms = fix.time_ms
        spell.moving.append(fix)
        if motion.on:
            spell.on_ms.append(fix.time_ms)
        self._new_stop()
        self.latest_moving = fix


def _grown_m(before: Fix, fix: Fix) -> int | None:
    if before.odometer_m is None or fix.odometer_m is None:
        return None
    return fix.odometer_m - before.odometer_m


def _no_room(before: Fix, fix: Fix, parameters: Parameters) -> bool:
    """Whether the way over a silence takes so long that no rest fits in."""
    silence_ms = fix.time_ms - before.time_ms
    ways_m = [distance_m((before.lon, before.lat), (fix.lon, fix.lat)), _grown_m(before, fix) or 0]
    way_m = max((way for way in ways_m if way * 3600 <= FASTEST_KMH * silence_ms), default=0)
    return bool(way_m * 3600 > parameters["silent_drive_kmh"] * (silence_ms - parameters.ms("min_rest_s")))


def ledgers_of(config: Config, fixes: list[tuple[Fix, int]]) -> list[Ledger]:
    """The ledgers of one vehicle, in the order their drivers appear; `fixes` take part, each with its driver."""
    ledgers: dict[int, Ledger] = {}
    for motion, (fix, driver) in zip(motions_of(config, [fix for fix, _ in fixes]), fixes, strict=True):
        parameters = in_force(config, "fatigue", fix.time_ms)
        for other in ledgers.values():
            if other.driver != driver:
                other.away(fix, parameters)
        ledgers.setdefault(driver, Ledger(driver)).step(motion, parameters)
    return list(ledgers.values())
