"""Ledgers of driving and rest: which fixes of a driver make which spell. Fatigue is then measured on the spells (fatigue.py).

The steps stand in the order of docs/semantics.md, "Fatigue", with its numbers. A ledger forgets nothing: it keeps every fix and every spell.
"""

from dataclasses import dataclass, field

from services.contracts.registry import Config
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import distance_m
from tests.rules.reference.parameters import Parameters, in_force

ODOMETER_M = 1000
"""An odometer that has moved no more than this over a silence has stayed."""


@dataclass
class Spell:
    """Driving without proven rest."""

    moving: list[Fix] = field(default_factory=list)
    unsure_from_ms: int | None = None  # the first fix that found the vehicle elsewhere after a silence
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
    elsewhere: bool  # found elsewhere after a silence


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

    @property
    def running(self) -> Spell | None:
        """The spell that is not over."""
        return self.spells[-1] if self.spells and self.spells[-1].over_at_ms is None else None

    def away(self, fix: Fix, parameters: Parameters) -> None:
        """A fix of the vehicle with another driver on it: this one rests by time alone."""
        self.present = False
        self._rest(fix, parameters, proven=True)

    def step(self, fix: Fix, parameters: Parameters, *, switched_on: bool) -> None:
        """A fix of the vehicle with this driver on it; `switched_on`: the vehicle's moving switch after this fix."""
        returned, elsewhere, within = not self.present, False, True
        silence_ms = 0 if returned else fix.time_ms - self.entries[-1].fix.time_ms
        if returned:  # 1
            self._rest(fix, parameters, proven=True)
            self._new_stop()
        elif silence_ms > parameters.ms("max_silence_s"):  # 2
            self._end(fix, rested=False)
            self._new_stop()
        else:
            if silence_ms > parameters.ms("max_gap_s"):  # 3
                within = self._found_again(fix, parameters)
                elsewhere = not within
            else:
                within = self._within(
                    self.first_still or (self.latest_moving if switched_on else fix), fix, parameters
                )
            self._rest(fix, parameters, proven=within and not self.spoiled)  # 4
        moving = switched_on or elsewhere
        if moving:  # 5
            self._move(fix, elsewhere=elsewhere)
        else:
            self.first_still = self.first_still or fix
            self.spoiled = self.spoiled or not within
        self.present = True
        self.entries.append(Entry(fix, moving, returned, elsewhere))

    def _new_stop(self) -> None:
        self.first_still, self.latest_moving, self.spoiled = None, None, False

    def _found_again(self, fix: Fix, parameters: Parameters) -> bool:
        before = self.entries[-1].fix
        stayed = (
            before.odometer_m is None
            or fix.odometer_m is None
            or abs(fix.odometer_m - before.odometer_m) <= ODOMETER_M
        )
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

    def _move(self, fix: Fix, *, elsewhere: bool) -> None:
        spell = self.running
        if spell is None:
            spell = Spell()
            self.spells.append(spell)
        spell.moving.append(fix)
        if elsewhere and spell.unsure_from_ms is None:
            spell.unsure_from_ms = fix.time_ms
        self._new_stop()
        self.latest_moving = fix


def ledgers_of(config: Config, fixes: list[tuple[Fix, int]]) -> list[Ledger]:
    """The ledgers of one vehicle, in the order their drivers appear; `fixes` take part, each with its driver."""
    ledgers: dict[int, Ledger] = {}
    switched_on = False
    for fix, driver in fixes:
        parameters = in_force(config, "fatigue", fix.time_ms)
        switched_on = _switch(fix, parameters, switched_on=switched_on)
        for other in ledgers.values():
            if other.driver != driver:
                other.away(fix, parameters)
        ledgers.setdefault(driver, Ledger(driver)).step(fix, parameters, switched_on=switched_on)
    return list(ledgers.values())


def _switch(fix: Fix, parameters: Parameters, *, switched_on: bool) -> bool:
    speed = fix.used_speed
    assert speed is not None
    if speed >= parameters.tenths("moving_kmh"):
        return True
    if speed <= parameters.tenths("still_kmh"):
        return False
    return switched_on
