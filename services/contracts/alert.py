"""Episodes, alerts and their events as others read them (JSON); an alert is an episode with an id, a version and its handling."""

import hashlib
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000


class EpisodeState(StrEnum):
    """Where an episode stands."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Severity(StrEnum):
    """How grave; the order is their rank."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


SEVERITIES = tuple(Severity)


class EventType(StrEnum):
    """Types of alert events made by judging; handling adds its own."""

    OPENED = "alert.opened"
    UPDATED = "alert.updated"
    CLOSED = "alert.closed"
    REVISED = "alert.revised"
    WITHDRAWN = "alert.withdrawn"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when the peak was."""

    lon: float
    lat: float
    time: str


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """What judging yields; times are RFC 3339 UTC, `limit` and `peak` in `unit`."""

    rule: str
    kind: str
    vehicle: str  # plate/colour
    terminal: str
    driver: str | None
    began: str
    ended: str | None
    state: EpisodeState
    severity: Severity
    confidence: float
    at: Moment
    limit: float
    peak: float
    unit: str
    why: dict[str, Any]


class AlertVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """The vehicle of an alert."""

    id: int
    plate: str
    plate_color: str
    vehicle_class: str = msgspec.field(name="class")
    operator: str
    division: str


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """What a dispatcher reads, in both languages."""

    zh: str
    en: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """The document of `GET /v1/alerts/{id}` and of an event's `data`."""

    id: str
    version: int
    rule: str
    rule_version: int
    kind: str
    vehicle: AlertVehicle
    terminal: str
    driver: str | None
    began: str
    ended: str | None
    state: EpisodeState
    severity: Severity
    confidence: float
    at: Moment
    limit: float
    peak: float
    unit: str
    why: dict[str, Any]
    late: bool
    handling: str
    sentence: Sentence


@lru_cache(maxsize=65_536)
def iso(time_ms: int) -> str:
    """Unix milliseconds as RFC 3339 UTC; milliseconds only where there are any.

    Kept once written: each update of an alert tells its whole timeline again, and writing times was most of the work of describing one.
    """
    day, of_day_ms = divmod(time_ms, DAY_MS)
    seconds, ms = divmod(of_day_ms, 1000)
    fraction = f".{ms:03d}" if ms else ""
    return f"{_date(day)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}Z"


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def alert_id(rule: str, vehicle: str, subject: str, kind: str, began_ms: int) -> str:
    """Derived, never drawn: the same episode has the same id in every run.

    `subject` is the ledger's driver or the assignment, `kind` is empty for speeding (its kind may rise), `began_ms` the first began.
    """
    text = "\x1f".join((rule, vehicle, subject, kind, str(began_ms)))
    return "alr_" + hashlib.sha256(text.encode()).hexdigest()[:26]


def event_id(alert: str, sequence: int | str) -> str:
    """Derived from the alert and the event's place in it: the version of its judging (from 1), or `h` and the version of its handling."""
    return "evt_" + hashlib.sha256(f"{alert}\x1f{sequence}".encode()).hexdigest()[:26]


def event_body(
    *, event: str, seq: int, event_type: str, time: str, alert: str, sequence: int, data: bytes
) -> bytes:
    """The JSON of one event (interfaces section 7); `data` is the alert's JSON, taken as it stands so that retries are byte-identical."""
    head = msgspec.json.encode(
        {"id": event, "seq": seq, "type": event_type, "time": time, "alert": alert, "sequence": sequence}
    )
    return head[:-1] + b',"data":' + data + b"}"


HIDDEN = "***"


def without_driver(data: str | bytes) -> bytes:
    """An alert's JSON without who was driving and without names of staff: partners learn what happened, not who it was.

    The driver's code goes from its field, from the sentences that name it, and from anything called driver in the reasons. Of who handled it the
    account's id stays, with the role in the place of the name.
    """
    alert: dict[str, Any] = msgspec.json.decode(data)
    code = alert.get("driver")
    alert["driver"] = None
    if isinstance(code, str) and code:
        sentence = alert.get("sentence") or {}
        alert["sentence"] = {
            language: text.replace(code, HIDDEN) if isinstance(text, str) else text
            for language, text in sentence.items()
        }
    alert["why"] = _undriven(alert.get("why", {}), code)
    handled = alert.get("handled")
    if isinstance(handled, dict):
        alert["handled"] = handled | {part: _unnamed(handled.get(part)) for part in ("by", "assignee")}
    return msgspec.json.encode(alert)


def _unnamed(person: dict[str, Any] | None) -> dict[str, Any] | None:
    """Somebody of the staff by id and role; of accounts that acted before roles were kept, by id alone."""
    if person is None:
        return None
    return person | {"name": person.get("role") or ("system" if person["id"] == "system" else HIDDEN)}


def _undriven(value: Any, code: object) -> Any:
    if isinstance(value, dict):
        return {name: None if name == "driver" else _undriven(inner, code) for name, inner in value.items()}
    if isinstance(value, list):
        return [_undriven(inner, code) for inner in value]
    return HIDDEN if isinstance(code, str) and code and value == code else value
