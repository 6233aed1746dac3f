"""Fatigue: the spells of each ledger, measured four ways.

Each measure goes through the finished spells again and asks at every fix what was known then; nothing is carried from fix to fix.
"""

import itertools
from dataclasses import dataclass, field

from services.contracts.registry import Config
from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix
from tests.rules.reference.ledger import Entry, Ledger, Spell, ledgers_of
from tests.rules.reference.parameters import DAY_MS, class_at, in_force, inside, local_ms

NIGHT_CLASSES = ("coach", "charter", "school_bus")
ROLLING = {
    "rolling_24h": (DAY_MS, "rolling_24h_s", ("coach", "charter", "school_bus", "hazmat")),
    "rolling_7d": (7 * DAY_MS, "rolling_7d_s", ("coach", "charter")),
}


@dataclass
class Found:
    """An episode while it is gathered."""

    kind: str
    ledger: Ledger
    spell: Spell  # running at `began`
    began: Fix
    last: Fix
    length_ms: int
    limit_ms: int
    unsure: bool = False
    closed: bool = False


@dataclass
class Clock:
    """The moving fixes of a spell inside one night."""

    until_ms: int
    moving: list[Fix] = field(default_factory=list)


def fatigue(config: Config, fixes: list[tuple[Fix, int]]) -> list[Episode]:
    """Episodes of one vehicle; `fixes` are judged ones in order, each with the driver then on the vehicle."""
    taking_part = [(fix, driver) for fix, driver in fixes if fix.plausible]
    times = [fix for fix, _ in taking_part]
    found: list[Found] = []
    for ledger in ledgers_of(config, taking_part):
        for spell in ledger.spells:
            found += _continuous(config, ledger, spell)
            found += _night(config, ledger, spell, times)
        for kind in ROLLING:
            found += _rolling(config, ledger, kind, times)
    return [_described(config, each) for each in found]


def _continuous(config: Config, ledger: Ledger, spell: Spell) -> list[Found]:
    found = _grown(config, ledger, spell, spell.moving, ("continuous", "continuous_s"))
    for each in found:
        each.closed = spell.over_at_ms is not None
    return found


def _night(config: Config, ledger: Ledger, spell: Spell, fixes: list[Fix]) -> list[Found]:
    result = []
    for clock in _clocks(config, spell):
        found = _grown(config, ledger, spell, clock.moving, ("night", "night_continuous_s"))
        for each in found:
            each.closed = spell.over_at_ms is not None or fixes[-1].time_ms >= clock.until_ms
        result += found
    return result


def _clocks(config: Config, spell: Spell) -> list[Clock]:
    clocks: list[Clock] = []
    for fix in spell.moving:
        window = in_force(config, "fatigue", fix.time_ms).window("night_window")
        if clocks and fix.time_ms < clocks[-1].until_ms:
            clocks[-1].moving.append(fix)
        elif inside(window, local_ms(fix.time_ms)):
            left_ms = (window[1] - local_ms(fix.time_ms)) % DAY_MS or DAY_MS
            clocks.append(Clock(fix.time_ms + left_ms, [fix]))
    return clocks


def _grown(
    config: Config, ledger: Ledger, spell: Spell, moving: list[Fix], kind_and_limit: tuple[str, str]
) -> list[Found]:
    """The episode, if any, of a length that grows from the first of some moving fixes to the latest."""
    kind, limit_name = kind_and_limit
    found: Found | None = None
    for fix in moving:
        length_ms = fix.time_ms - moving[0].time_ms
        limit_ms = in_force(config, "fatigue", fix.time_ms).ms(limit_name)
        if found is None:
            named = kind != "night" or class_at(config, fix.vehicle, fix.time_ms) in NIGHT_CLASSES
            if not named or length_ms <= limit_ms:
                continue
            found = Found(kind, ledger, spell, fix, fix, length_ms, limit_ms)
        found.last, found.length_ms, found.limit_ms = fix, length_ms, limit_ms
        found.unsure = spell.unsure_from_ms is not None and spell.unsure_from_ms <= fix.time_ms
    return [found] if found is not None else []


def _rolling(config: Config, ledger: Ledger, kind: str, fixes: list[Fix]) -> list[Found]:
    span_ms, limit_name, classes = ROLLING[kind]
    own_moving = {fix.time_ms for spell in ledger.spells for fix in spell.moving}
    result: list[Found] = []
    for fix in fixes:
        parts = _parts(ledger, fix.time_ms - span_ms, fix.time_ms)
        length_ms = sum(part for _, part in parts)
        limit_ms = in_force(config, "fatigue", fix.time_ms).ms(limit_name)
        moving = fix.time_ms in own_moving
        running = result[-1] if result and not result[-1].closed else None
        if running is not None and length_ms <= limit_ms:
            running.closed = True
        elif moving and length_ms > limit_ms:
            if running is None:
                if class_at(config, fix.vehicle, fix.time_ms) not in classes:
                    continue
                spell = max((s for s in ledger.spells if s.first_ms <= fix.time_ms), key=lambda s: s.first_ms)
                running = Found(kind, ledger, spell, fix, fix, length_ms, limit_ms)
                result.append(running)
            running.last, running.length_ms, running.limit_ms = fix, length_ms, limit_ms
            running.unsure = running.unsure or any(
                _unsure(spell, fix.time_ms) for spell, part in parts if part > 0
            )
    return result


def _unsure(spell: Spell, time_ms: int) -> bool:
    return spell.unsure_from_ms is not None and spell.unsure_from_ms <= time_ms


def _parts(ledger: Ledger, from_ms: int, to_ms: int) -> list[tuple[Spell, int]]:
    """How much of each spell, as known at `to_ms`, lies in the window."""
    result = []
    for spell in ledger.spells:
        if spell.first_ms <= to_ms and spell.latest_ms >= from_ms:
            latest_ms = spell.latest_ms
            if latest_ms > to_ms:
                latest_ms = max(fix.time_ms for fix in spell.moving if fix.time_ms <= to_ms)
            result.append((spell, max(0, latest_ms - max(spell.first_ms, from_ms))))
    return result


def _described(config: Config, found: Found) -> Episode:
    last = found.last
    severity = "critical" if 4 * found.length_ms >= 5 * found.limit_ms else "major"
    return Episode(
        rule="fatigue",
        kind=found.kind,
        vehicle=last.vehicle,
        driver=found.ledger.driver or None,
        began_ms=found.began.time_ms,
        ended_ms=last.time_ms if found.closed else None,
        last_ms=last.time_ms,
        state="closed" if found.closed else "open",
        severity="minor" if found.kind in ROLLING else severity,
        confidence=0.5 if found.unsure else 1.0,
        at=(last.time_ms, last.lon_e7, last.lat_e7),
        limit=found.limit_ms,
        peak=found.length_ms,
        band=None,
        why={
            "spell_began_ms": found.spell.first_ms,
            "timeline": _timeline(config, found.ledger, found.spell.first_ms, last.time_ms),
        },
    )


def _timeline(config: Config, ledger: Ledger, from_ms: int, to_ms: int) -> list[tuple[str, int, int]]:
    """What the ledger's driver did from one of its fixes to another: (state, from, to), neighbours in one state joined."""
    segments: list[tuple[str, int, int]] = []
    entries = [entry for entry in ledger.entries if from_ms <= entry.fix.time_ms <= to_ms]
    for a, b in itertools.pairwise(entries):
        state = _state_between(config, ledger, a, b)
        if segments and segments[-1][0] == state:
            segments[-1] = (state, segments[-1][1], b.fix.time_ms)
        else:
            segments.append((state, a.fix.time_ms, b.fix.time_ms))
    return segments


def _state_between(config: Config, ledger: Ledger, a: Entry, b: Entry) -> str:
    parameters = in_force(config, "fatigue", b.fix.time_ms)
    gap_ms = b.fix.time_ms - a.fix.time_ms
    silent = gap_ms > parameters.ms("max_gap_s")
    if b.returned:
        return "rest"
    if b.elsewhere or b.ended:
        return "silent"
    if _in_rest(ledger, a.fix.time_ms, b.fix.time_ms):
        return "rest"
    if silent:
        return "silent"
    return "driving" if a.moving and b.moving else "stopped"


def _in_rest(ledger: Ledger, from_ms: int, to_ms: int) -> bool:
    """Whether a time lies after a spell that is over and before the next; where a long silence ended it, after the silence."""
    for place, spell in enumerate(ledger.spells):
        if spell.over_at_ms is None:
            continue
        rest_from_ms = spell.latest_ms if spell.rested else spell.over_at_ms
        following = ledger.spells[place + 1].first_ms if place + 1 < len(ledger.spells) else to_ms
        if rest_from_ms <= from_ms and to_ms <= following:
            return True
    return False
