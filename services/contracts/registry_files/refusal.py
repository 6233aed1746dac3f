"""What is wrong with a file, as data: where, what stands there, what is expected; collected, then raised once."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any, Generic, TypeVar

from services.contracts.registry_files.values import BadValue, Parse

T = TypeVar("T")

MOST_ERRORS = 50  # told one by one; a file in the wrong format has one a row
MOST_WARNINGS = 20
SHOWN_CHARACTERS = 60  # of a value in a message


@dataclass(frozen=True, slots=True)
class FileError:
    """One error. `row` is the line of a CSV as an editor shows it, or the number of a GeoJSON feature, both from 1; None: the file."""

    file: str
    row: int | None
    column: str | None
    value: str | None
    zh: str
    en: str

    def __str__(self) -> str:
        """One line for a terminal, both languages."""
        row = "" if self.row is None else f" 第 {self.row} 行 row {self.row}"
        column = "" if self.column is None else f" 列 column {self.column}"
        value = "" if self.value is None else f" = {_shown(self.value)}"
        return f"{self.file}{row}{column}{value}: {self.zh} / {self.en}"


class FilesRefused(ValueError):
    """Nothing of the files was taken. `errors` are the first 50, `more` counts the others."""

    def __init__(self, errors: Sequence[FileError], more: int = 0) -> None:
        """`errors` must not be empty."""
        self.errors = tuple(errors)
        self.more = more
        lines = [str(error) for error in self.errors]
        if more:
            lines.append(f"另有 {more} 处错误 / and {more} more")
        super().__init__("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The records of one file and where each stands, for errors found later, between files."""

    file: str
    records: tuple[T, ...]
    rows: tuple[int, ...]
    warnings: tuple[FileError, ...] = ()  # nothing is wrong, but somebody may have meant something else


@dataclass(frozen=True, slots=True)
class Column:
    """One column or property: its name in the file, how its value is read, the field it goes to."""

    name: str
    parse: Parse
    required: bool = False
    field: str = ""


@dataclass(slots=True)
class Errors:
    """Collects errors; `raise_if_any` ends a stage."""

    file: str
    found: list[FileError] = field(default_factory=list)
    more: int = 0
    passed_over: dict[str, list[int]] = field(default_factory=dict)  # name -> rows
    known: set[str] = field(default_factory=set)

    def add(self, row: int | None, column: str | None, value: object, bad: BadValue) -> None:
        """Note one; beyond the first 50 only counted."""
        if len(self.found) >= MOST_ERRORS:
            self.more += 1
            return
        text = None if value is None else str(value)
        self.found.append(FileError(self.file, row, column, text, bad.zh, bad.en))

    def read(self, columns: Sequence[Column], row: int, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The fields of one record, absent ones left out; None if there was an error in it. `values`: absent, None or "" = absent."""
        fields: dict[str, Any] = {}
        before = len(self.found) + self.more
        for column in columns:
            value = values.get(column.name)
            if value is None or value == "":
                if column.required:
                    self.add(row, column.name, None, BadValue("必填", "required, is empty"))
                continue
            try:
                fields[column.field or column.name] = column.parse(value)
            except BadValue as bad:
                self.add(row, column.name, value, bad)
        return fields if len(self.found) + self.more == before else None

    def look_for_unknown(self, row: int, names: Iterable[str], known: Collection[str]) -> None:
        """Note the columns or properties that nobody reads."""
        self.known |= set(known)
        for name in names:
            if name not in known:
                self.passed_over.setdefault(name, []).append(row)

    def unknown(self) -> tuple[FileError, ...]:
        """A warning for each column or property that nobody reads, the first 20."""
        found = []
        for name, rows in islice(self.passed_over.items(), MOST_WARNINGS):
            near = get_close_matches(name, self.known, 1)
            zh, en = (f"; 是否为 {near[0]}?", f"; did you mean {near[0]}?") if near else ("", "")
            count = f" ({len(rows)} 处 times)" if len(rows) > 1 else ""
            found.append(
                FileError(
                    self.file,
                    rows[0],
                    name,
                    None,
                    f"未知的列或属性, 未读取{zh}",
                    f"unknown, not read{en}{count}",
                )
            )
        return tuple(found)

    def raise_if_any(self) -> None:
        """Raise FilesRefused if an error was noted."""
        if self.found:
            raise FilesRefused(self.found, self.more)


def _shown(value: str) -> str:
    """A value as quoted in a message: never a raw control character, never a screenful."""
    text = value if len(value) <= SHOWN_CHARACTERS else value[:SHOWN_CHARACTERS] + "…"
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text) + '"'
