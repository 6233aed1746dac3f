"""From a finding's numbers to what others read: an episode, an alert with its derived id, and the type of its event."""

from dataclasses import dataclass

import numpy as np

from services.contracts.alert import (
    SEVERITIES,
    Alert,
    AlertVehicle,
    Episode,
    EpisodeState,
    EventType,
    Moment,
    alert_id,
    iso,
)
from services.contracts.registry import Vehicle, padded_terminal
from services.rules.finding import CLOSED, CURRENT, OPENED, REVISED, UPDATED, WITHDRAWN
from services.rules.rule import Described, Names, Rule

EVENT_TYPES = {
    OPENED: EventType.OPENED,
    UPDATED: EventType.UPDATED,
    CLOSED: EventType.CLOSED,
    REVISED: EventType.REVISED,
    CURRENT: None,
    WITHDRAWN: EventType.WITHDRAWN,
}
STATES = {CLOSED: EpisodeState.CLOSED, WITHDRAWN: EpisodeState.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of one alert; `event` is None for the present content of an open episode."""

    event: EventType | None
    sequence: int
    vehicle: int
    severity_rank: int
    began_ms: int
    ended_ms: int | None
    now_ms: int
    lon: float
    lat: float
    episode: Episode
    alert: Alert


def describe(rule: Rule, row: np.void, vehicle: Vehicle, names: Names, rule_version: int) -> Transition:
    """A finding as a transition; `vehicle` is the registration that held at `began`."""
    found = rule.describe(row, names)
    state = STATES.get(int(row["transition"]), EpisodeState.OPEN)
    began_ms, ended_ms = int(row["began_ms"]), int(row["ended_ms"])
    driver = names.driver_code(int(row["driver"])) if int(row["driver"]) else None
    lon, lat = int(row["at_lon_e7"]) / 1e7, int(row["at_lat_e7"]) / 1e7
    episode = Episode(
        rule=rule.name,
        kind=found.kind,
        vehicle=vehicle.key,
        terminal=padded_terminal(vehicle.terminal),
        driver=driver,
        began=iso(began_ms),
        ended=iso(ended_ms) if state is EpisodeState.CLOSED else None,
        state=state,
        severity=SEVERITIES[int(row["severity"])],
        confidence=int(row["confidence"]) / 100,
        at=Moment(lon=lon, lat=lat, time=iso(int(row["at_ms"]))),
        limit=found.limit,
        peak=found.peak,
        unit=found.unit,
        why=found.why,
    )
    return Transition(
        event=EVENT_TYPES[int(row["transition"])],
        sequence=int(row["sequence"]),
        vehicle=vehicle.id,
        severity_rank=int(row["severity"]),
        began_ms=began_ms,
        ended_ms=ended_ms if state is EpisodeState.CLOSED else None,
        now_ms=int(row["now_ms"]),
        lon=lon,
        lat=lat,
        episode=episode,
        alert=_alert(episode, found, vehicle, row, rule_version),
    )


def _alert(episode: Episode, found: Described, vehicle: Vehicle, row: np.void, rule_version: int) -> Alert:
    return Alert(
        id=alert_id(episode.rule, vehicle.key, found.subject, found.id_kind, int(row["began_ms"])),
        version=int(row["sequence"]),
        rule=episode.rule,
        rule_version=rule_version,
        kind=episode.kind,
        vehicle=AlertVehicle(
            id=vehicle.id,
            plate=vehicle.plate,
            plate_color=vehicle.plate_color,
            vehicle_class=vehicle.vehicle_class.value,
            operator=vehicle.operator,
            division=vehicle.division,
        ),
        terminal=episode.terminal,
        driver=episode.driver,
        began=episode.began,
        ended=episode.ended,
        state=episode.state,
        severity=episode.severity,
        confidence=episode.confidence,
        at=episode.at,
        limit=episode.limit,
        peak=episode.peak,
        unit=episode.unit,
        why=found.why,
        late=False,
        handling="open",
        sentence=found.sentence,
    )
