"""The CSV files: vehicles, drivers, assignments. One literal table of columns each; the rest is said once for all."""

import csv
import io
from collections.abc import Iterator, Sequence

from services.contracts.registry import CLASSES, DIRECTIONS, PLATE_COLORS, STATUSES, Driver, Vehicle
from services.contracts.registry_files.crossing import AssignmentRow, row_label, vehicle_conflicts
from services.contracts.registry_files.refusal import Column, Errors, Parsed
from services.contracts.registry_files.values import (
    BadValue,
    assigned_driver,
    code,
    division,
    driver,
    iso_date,
    moment,
    normal_plate,
    one_of,
    terminal,
    text,
)

VEHICLE_COLUMNS = (
    Column("plate", normal_plate, required=True),
    Column("plate_color", one_of(PLATE_COLORS), required=True),
    Column("class", one_of(CLASSES), required=True, field="vehicle_class"),
    Column("terminal", terminal, required=True),
    Column("operator", text(), required=True),
    Column("division", division, required=True),
    Column("vin", code(40)),
    Column("status", one_of(STATUSES)),
    Column("valid_from", moment, field="valid_from_ms"),
    Column("valid_to", moment, field="valid_to_ms"),
    Column("inspection_due", iso_date),
    Column("permit", code(200)),
    Column("permit_to", iso_date),
    Column("scrapped_on", iso_date),
    Column("subtype", text()),
)
DRIVER_COLUMNS = (
    Column("driver", driver, required=True),
    Column("name", text(), required=True),
    Column("operator", text(), required=True),
    Column("licence_class", text(40)),
    Column("qualified_for", text()),
    Column("valid_to", iso_date),
    Column("phone", code(40)),
)
ASSIGNMENT_COLUMNS = (
    Column("vehicle", text(60), required=True),
    Column("route", text(), required=True),
    Column("from", moment, required=True, field="from_ms"),
    Column("to", moment, required=True, field="to_ms"),
    Column("driver", assigned_driver),
    Column("trip", text()),
    Column("direction", one_of(DIRECTIONS)),
)


def parse_vehicles(name: str, data: bytes) -> Parsed[Vehicle]:
    """`vehicles.csv`. The records' `id` is 0 until `build_config` or the database numbers them.

    Raises:
        FilesRefused: with every error, among them periods of one terminal or one vehicle that contradict each other.
    """
    errors = Errors(name)
    vehicles: list[Vehicle] = []
    rows: list[int] = []
    for row, values in _rows(errors, data, VEHICLE_COLUMNS):
        fields = errors.read(VEHICLE_COLUMNS, row, values)
        if fields is None:
            continue
        if _is_order(errors, row, "valid_to", fields.get("valid_from_ms"), fields.get("valid_to_ms")):
            vehicles.append(Vehicle(id=0, **fields))
            rows.append(row)
    for place, column, bad in vehicle_conflicts(vehicles, [row_label(row) for row in rows]):
        errors.add(rows[place], column, vehicles[place].terminal, bad)
    errors.raise_if_any()
    return Parsed(name, tuple(vehicles), tuple(rows), errors.unknown())


def parse_drivers(name: str, data: bytes) -> Parsed[Driver]:
    """`drivers.csv`; each code once.

    Raises:
        FilesRefused: with every error.
    """
    errors = Errors(name)
    drivers: dict[str, Driver] = {}
    rows: list[int] = []
    for row, values in _rows(errors, data, DRIVER_COLUMNS):
        fields = errors.read(DRIVER_COLUMNS, row, values)
        if fields is None:
            continue
        driver_code = fields["driver"]
        if driver_code in drivers:
            first = row_label(rows[list(drivers).index(driver_code)])
            errors.add(
                row, "driver", values["driver"],
                BadValue(f"与{first} 为同一编码 {driver_code}", f"the same code, {driver_code}, as in {first}"),
            )  # fmt: skip
            continue
        drivers[driver_code] = Driver(**fields)
        rows.append(row)
    errors.raise_if_any()
    return Parsed(name, tuple(drivers.values()), tuple(rows), errors.unknown())


def parse_assignments(name: str, data: bytes) -> Parsed[AssignmentRow]:
    """`assignments.csv`; vehicles and routes are looked up later, by `resolve_assignments`.

    Raises:
        FilesRefused: with every error.
    """
    errors = Errors(name)
    found: list[AssignmentRow] = []
    rows: list[int] = []
    for row, values in _rows(errors, data, ASSIGNMENT_COLUMNS):
        fields = errors.read(ASSIGNMENT_COLUMNS, row, values)
        if fields is not None and _is_order(errors, row, "to", fields["from_ms"], fields["to_ms"]):
            found.append(AssignmentRow(**fields))
            rows.append(row)
    errors.raise_if_any()
    return Parsed(name, tuple(found), tuple(rows), errors.unknown())


def _is_order(errors: Errors, row: int, column: str, from_ms: int | None, to_ms: int | None) -> bool:
    """Whether a half-open period holds anything; an empty one is a mistake of the sender."""
    if from_ms is None or to_ms is None or from_ms < to_ms:
        return True
    errors.add(row, column, None, BadValue("结束应晚于开始", "the end must be later than the beginning"))
    return False


def decoded(errors: Errors, data: bytes) -> str:
    """UTF-8 with or without a mark; a file in GBK or UTF-16 gets told how to save it.

    Raises:
        FilesRefused: it is not UTF-8.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        errors.add(
            None,
            None,
            None,
            BadValue("编码为 UTF-16 (Excel: 另存为 CSV UTF-8)", "is UTF-16 (Excel: save as CSV UTF-8)"),
        )
        errors.raise_if_any()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        hint = BadValue("不是 UTF-8 (Excel: 另存为 CSV UTF-8)", "not UTF-8 (Excel: save as CSV UTF-8)")
        errors.add(row, None, f"byte {data[error.start]:#04x}", hint)
    errors.raise_if_any()
    return ""


def _rows(errors: Errors, data: bytes, columns: Sequence[Column]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells by column name of each row that is not blank; columns the file has besides are left alone."""
    reader = csv.reader(io.StringIO(decoded(errors, data), newline=""), strict=True)
    header: list[str] | None = None
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            errors.add(reader.line_num, None, None, BadValue(f"不是有效的 CSV: {error}", f"not CSV: {error}"))
            return
        row, line = line, reader.line_num + 1
        if cells is None:
            break
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(errors, row, cells, columns)
            continue
        if len(cells) > len(header):
            errors.add(row, None, None, _too_many(len(cells), len(header)))
            continue
        yield row, dict(zip(header, (cell.strip() for cell in cells), strict=False))
    if header is None:
        errors.add(None, None, None, BadValue("文件为空,应有表头", "empty; expected a header"))


def _header(errors: Errors, row: int, cells: list[str], columns: Sequence[Column]) -> list[str]:
    header = [cell.strip() for cell in cells]
    known = {column.name for column in columns}
    if len(header) == 1 and (other := next((sign for sign in ";\t|" if sign in header[0]), None)):
        errors.add(
            row,
            columns[0].name,
            header[0],
            BadValue(
                f"各列以 {other!r} 分隔, 应为逗号", f"columns are separated by {other!r}: save with commas"
            ),
        )
        errors.raise_if_any()
    errors.look_for_unknown(row, (name for name in header if name), known)
    for name in sorted(known & {name for name in header if header.count(name) > 1}):
        errors.add(row, name, None, BadValue("表头中重复", "stands twice in the header"))
    for column in columns:
        if column.required and column.name not in header:
            found = " ".join(header)
            errors.add(
                row,
                column.name,
                None,
                BadValue(f"表头缺少此列, 现有: {found}", f"missing in the header: {found}"),
            )
    errors.raise_if_any()
    return header


def _too_many(cells: int, header: int) -> BadValue:
    return BadValue(
        f"有 {cells} 个单元格, 表头只有 {header} 列 (含逗号的值需加引号)",
        f"has {cells} cells, the header {header} (quote values that hold commas)",
    )
