"""The config document: everything judging may know beside the fixes - vehicles, drivers, assignments, map and rules - as one immutable value.

One document is one version; it is kept by its SHA-256 and named by a `config` record in the log, so a fix is always judged by
what was in force at its place in the log. Dates inside select by event time, half-open; None means "for all time".
"""

import hashlib
import zlib
from enum import StrEnum
from typing import Any

import msgspec

Position = tuple[float, float]
"""lon, lat in WGS-84 degrees."""


class VehicleClass(StrEnum):
    """Classes of vehicles watched (两客一危一货、校车、包车); the order is their number in packed records."""

    COACH = "coach"
    CHARTER = "charter"
    HAZMAT = "hazmat"
    FREIGHT = "freight"
    SCHOOL_BUS = "school_bus"


class RoadClass(StrEnum):
    """Classes of roads; the order is their number in packed records."""

    EXPRESSWAY = "expressway"
    HIGHWAY = "highway"
    URBAN_EXPRESSWAY = "urban_expressway"
    URBAN = "urban"
    RURAL = "rural"
    MOUNTAIN = "mountain"


CLASSES = tuple(VehicleClass)
ROAD_CLASSES = tuple(RoadClass)
PLATE_COLORS = ("blue", "yellow", "black", "white", "green", "yellow_green", "other")
STATUSES = ("active", "suspended", "scrapped")
ZONE_KINDS = ("forbidden", "hazard_section", "school", "parking", "dead_zone", "depot")
DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
"""Days of the week as OpenStreetMap writes them; the order is their number in records."""
DIRECTIONS = ("forward", "reverse", "both")


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the document's records."""


class Vehicle(Record, frozen=True):
    """One row of `vehicles.csv`: a vehicle as registered for a period. Rows of one plate and colour share `id`."""

    id: int  # surrogate, > 0, stable for plate + colour
    plate: str
    plate_color: str
    vehicle_class: VehicleClass
    terminal: str  # normalised, see normal_terminal
    operator: str
    division: str  # GB/T 2260
    vin: str | None = None
    status: str = "active"
    valid_from_ms: int | None = None
    valid_to_ms: int | None = None
    inspection_due: str | None = None  # ISO date
    permit: str | None = None
    permit_to: str | None = None  # ISO date
    scrapped_on: str | None = None  # ISO date
    subtype: str | None = None

    @property
    def key(self) -> str:
        """`plate/colour`, the vehicle's name in episodes."""
        return f"{self.plate}/{self.plate_color}"


class Driver(Record, frozen=True):
    """One row of `drivers.csv`; `driver` is the card or qualification code."""

    driver: str
    name: str
    operator: str
    licence_class: str | None = None
    qualified_for: str | None = None
    valid_to: str | None = None
    phone: str | None = None


class Assignment(Record, frozen=True):
    """A vehicle's duty to keep to a route from `from_ms` until `to_ms` (half-open)."""

    vehicle: int  # Vehicle.id
    route: str
    from_ms: int
    to_ms: int
    driver: str | None = None
    trip: str | None = None
    direction: str = "both"


class Stop(Record, frozen=True):
    """A stop of a route."""

    name: str
    lon: float
    lat: float
    radius_m: float = 50.0


class Route(Record, frozen=True):
    """A route: its line and the half width of the corridor, one figure a leg (leg i lies between coordinates i and i+1)."""

    route: str
    name: str
    coordinates: tuple[Position, ...]
    leg_half_widths_m: tuple[float, ...]
    stops: tuple[Stop, ...] = ()


class Road(Record, frozen=True):
    """A road: a line with its class and, where posted, limits in km/h. `oneway` is in the order of the coordinates."""

    road_class: RoadClass
    coordinates: tuple[Position, ...]
    name: str | None = None
    ref: str | None = None
    limit_kmh: float | None = None
    night_limit_kmh: float | None = None
    class_limits_kmh: dict[str, float] = {}
    oneway: bool = False
    tunnel: bool = False
    bridge: bool = False


class Zone(Record, frozen=True):
    """A zone: polygons (each outer ring then holes, closed rings), or a line with a buffer."""

    zone: str
    name: str
    kind: str
    polygons: tuple[tuple[tuple[Position, ...], ...], ...] = ()
    line: tuple[Position, ...] = ()
    buffer_m: float = 0.0
    classes: tuple[VehicleClass, ...] = ()  # empty: all
    limit_kmh: float | None = None
    hours: tuple[
        tuple[int, int], ...
    ] = ()  # local seconds of the day (from, to), may cross midnight; empty: always
    from_ms: int | None = None
    to_ms: int | None = None
    reason: str | None = None
    days: tuple[int, ...] = ()  # local days of the week, places in DAYS; empty: every day
    dates: tuple[tuple[str, str], ...] = ()  # local days (from, to), ISO, both included; empty: every day
    except_dates: tuple[tuple[str, str], ...] = ()  # days on which it does not hold, whatever `dates` says


class RuleSet(Record, frozen=True):
    """Parameters that differ from the defaults, per rule, for a period."""

    parameters: dict[str, dict[str, Any]] = {}
    from_ms: int | None = None
    to_ms: int | None = None
    basis: str | None = None
    version: int = 0


class Config(Record, frozen=True):
    """The whole document. Later rule sets win over earlier ones where their periods overlap."""

    version: int = 0
    vehicles: tuple[Vehicle, ...] = ()
    drivers: tuple[Driver, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    roads: tuple[Road, ...] = ()
    routes: tuple[Route, ...] = ()
    zones: tuple[Zone, ...] = ()
    rules: tuple[RuleSet, ...] = ()


SHORT_TERMINAL, LONG_TERMINAL = 12, 20
"""Digits of a terminal's number in JT/T 808-2013 and -2019."""


def normal_terminal(terminal: str) -> str:
    """The terminal's number as compared: leading zeros of a numeric one do not distinguish (JT/T 808 pads to 12 or 20 digits)."""
    if terminal.isascii() and terminal.isdigit():
        return terminal.lstrip("0") or "0"
    return terminal


DRIVER_PADDING = "".join(filter(str.isspace, map(chr, range(0x3001)))) + "\x00\xff"
"""White space, and the two characters with which JT/T 808 terminals fill a code up."""
ASCII_CAPITALS = {letter: letter - 32 for letter in range(ord("a"), ord("z") + 1)}


def normal_driver(code: str) -> str:
    """A driver's code as compared and shown: without padding at either end, ASCII letters as capitals; "" (card removed) for zeros alone."""
    found = code.strip(DRIVER_PADDING).translate(ASCII_CAPITALS)
    return found if found.strip("0") else ""


def padded_terminal(terminal: str) -> str:
    """The number as JT/T 808 writes it, for output: a numeric one has 12 digits, or 20 when it needs more than 12."""
    if terminal.isascii() and terminal.isdigit():
        return terminal.zfill(SHORT_TERMINAL if len(terminal) <= SHORT_TERMINAL else LONG_TERMINAL)
    return terminal


def encode_config(config: Config) -> tuple[str, bytes]:
    """SHA-256 (hex, of the uncompressed JSON) and the compressed document."""
    body = msgspec.json.encode(config)
    return hashlib.sha256(body).hexdigest(), zlib.compress(body, 1)


def decode_config(document: bytes) -> Config:
    """A document as `encode_config` made it."""
    return msgspec.json.decode(zlib.decompress(document), type=Config)
