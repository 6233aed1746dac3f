"""What only shows between rows or files: periods that contradict each other, references that lead nowhere.

The same checks serve a set of files and a file beside the registry in the database.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from services.contracts.registry import Assignment, Vehicle
from services.contracts.registry_files.refusal import Errors, Parsed
from services.contracts.registry_files.values import BadValue, normal_plate, terminal

EVER_MS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentRow:
    """A row of `assignments.csv`; `vehicle` is plate/colour or a terminal and means something only beside a registry."""

    vehicle: str
    route: str
    from_ms: int
    to_ms: int
    driver: str | None = None
    trip: str | None = None
    direction: str = "both"


def period(vehicle: Vehicle) -> tuple[int, int]:
    """From and to in Unix ms, half-open; no date means for ever."""
    start = -EVER_MS if vehicle.valid_from_ms is None else vehicle.valid_from_ms
    return start, EVER_MS if vehicle.valid_to_ms is None else vehicle.valid_to_ms


def check_registrations(parsed: Parsed[Vehicle], registered: Sequence[Vehicle]) -> None:
    """Hold a file of vehicles against the registry; its vehicles replace their namesakes there.

    Raises:
        FilesRefused: a terminal is another vehicle's at the same time.
    """
    errors = Errors(parsed.file)
    named = {vehicle.key for vehicle in parsed.records}
    others = [vehicle for vehicle in registered if vehicle.key not in named]
    labels = ["已登记 registered"] * len(others) + [row_label(row) for row in parsed.rows]
    for place, column, bad in vehicle_conflicts([*others, *parsed.records], labels):
        if place >= len(others):
            at = place - len(others)
            errors.add(parsed.rows[at], column, parsed.records[at].terminal, bad)
    errors.raise_if_any()


def row_label(row: int) -> str:
    """How a message calls another row of the same file."""
    return f"第 {row} 行 row {row}"


def vehicle_conflicts(
    vehicles: Sequence[Vehicle], labels: Sequence[str]
) -> Iterator[tuple[int, str, BadValue]]:
    """(place, column, what) of every registration that contradicts another; `labels` are what the messages call them.

    A terminal belongs to one vehicle at a time. A vehicle may carry two terminals at once, but not be of two classes.
    """
    by_terminal: dict[str, list[int]] = defaultdict(list)
    by_plate: dict[str, list[int]] = defaultdict(list)
    for place, vehicle in enumerate(vehicles):
        by_terminal[vehicle.terminal].append(place)
        by_plate[vehicle.key].append(place)
    for places in by_terminal.values():
        for place, other in _overlaps(vehicles, places):
            yield place, "terminal", _held_twice(vehicles[other].key, labels[other])
    for places in by_plate.values():
        for place, other in _overlaps(vehicles, places):
            if vehicles[place].vehicle_class != vehicles[other].vehicle_class:
                yield place, "class", _two_classes(vehicles[other].vehicle_class, labels[other])


def resolve_assignments(
    parsed: Parsed[AssignmentRow], vehicles: Sequence[Vehicle], routes: Collection[str]
) -> tuple[Assignment, ...]:
    """Assignments with the ids of their vehicles; `vehicles` carry theirs.

    Raises:
        FilesRefused: a vehicle or route is not known, or an assignment stands twice.
    """
    errors = Errors(parsed.file)
    by_key = {vehicle.key: vehicle.id for vehicle in vehicles}
    by_terminal: dict[str, list[Vehicle]] = defaultdict(list)
    for vehicle in vehicles:
        by_terminal[vehicle.terminal].append(vehicle)
    seen: dict[tuple[int, str, int, str | None], int] = {}
    found: list[Assignment] = []
    for row, record in zip(parsed.rows, parsed.records, strict=True):
        vehicle_id = by_key.get(_key(record.vehicle)) or _of_terminal(by_terminal, record)
        if vehicle_id is None:
            errors.add(row, "vehicle", record.vehicle, _unknown_vehicle())
        if record.route not in routes:
            errors.add(row, "route", record.route, BadValue("没有此路线", "no such route"))
        if vehicle_id is None:
            continue
        first = seen.setdefault((vehicle_id, record.route, record.from_ms, record.trip), row)
        if first != row:
            errors.add(
                row, "from", None, BadValue(f"与第 {first} 行重复", f"the same assignment as in row {first}")
            )
        found.append(
            Assignment(
                vehicle=vehicle_id,
                route=record.route,
                from_ms=record.from_ms,
                to_ms=record.to_ms,
                driver=record.driver,
                trip=record.trip,
                direction=record.direction,
            )
        )
    errors.raise_if_any()
    return tuple(found)


def _overlaps(vehicles: Sequence[Vehicle], places: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs (later, earlier) of registrations whose periods overlap; at least one a registration that overlaps any before it."""
    if len(places) < 2:
        return
    ordered = sorted(places, key=lambda place: (period(vehicles[place])[0], place))
    longest = ordered[0]
    for place in ordered[1:]:
        if period(vehicles[place])[0] < period(vehicles[longest])[1]:
            yield max(place, longest), min(place, longest)
        if period(vehicles[place])[1] > period(vehicles[longest])[1]:
            longest = place


def _key(name: str) -> str:
    """`plate/colour` as `Vehicle.key` writes it; "" if the name is none."""
    plate, slash, color = name.rpartition("/")
    try:
        return f"{normal_plate(plate)}/{color.strip()}" if slash else ""
    except BadValue:
        return ""


def _of_terminal(by_terminal: dict[str, list[Vehicle]], record: AssignmentRow) -> int | None:
    """The vehicle that holds the terminal when the assignment begins, else the one that holds it at some time of it."""
    try:
        holders = by_terminal.get(terminal(record.vehicle), [])
    except BadValue:
        return None
    during = [
        holder
        for holder in holders
        if period(holder)[0] < record.to_ms and record.from_ms < period(holder)[1]
    ]
    at_first = [holder for holder in during if period(holder)[0] <= record.from_ms]
    chosen = {holder.id for holder in at_first or during}
    return chosen.pop() if len(chosen) == 1 else None


def _held_twice(key: str, label: str) -> BadValue:
    return BadValue(
        f"终端同时属于 {key} ({label})", f"this terminal belongs to {key} at the same time ({label})"
    )


def _two_classes(vehicle_class: str, label: str) -> BadValue:
    return BadValue(
        f"同一车辆同时为 {vehicle_class} ({label})",
        f"the same vehicle is {vehicle_class} at the same time ({label})",
    )


def _unknown_vehicle() -> BadValue:
    return BadValue(
        "没有此车辆: 应为 车牌/颜色 (宁A12345/yellow) 或当时有效的终端号",
        "no such vehicle: expected plate/colour (宁A12345/yellow) or a terminal registered at that time",
    )
