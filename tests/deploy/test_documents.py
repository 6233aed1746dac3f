"""The documents: their tables are the code's, what they name exists, and what they say of bytes and columns is so."""

import re
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from services.cli.main import COMMANDS
from services.contracts.batch import HEADER, KIND_CONFIG, KIND_FIXES, KIND_TICK, MAGIC, VERSION
from services.contracts.fix import FIX
from services.contracts.registry_files import features, tables
from services.contracts.registry_files.refusal import Column
from services.runtime.metrics import metrics_table
from services.runtime.settings import Settings, settings_table

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OUTSIDE_SETTINGS = {"ROADWATCH_CACHE"}
BY_READER = {"leg_widths_m", "stops"}
"""Properties of routes that are lists and read apart from the columns."""
STRUCT = {"4 bytes": "4s", "u8": "B", "u16": "H", "u32": "I", "i16": "h"}
NUMPY = {"i16": "<i2", "i32": "<i4", "i64": "<i8", "u16": "<u2", "u32": "<u4"}


@cache
def texts() -> dict[str, str]:
    """Every text file that is tracked, by its path, and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = {}
    for name in listed.stdout.splitlines():
        file = ROOT / name
        if file.is_file() and file.suffix != ".png" and name != "tests/deploy/test_documents.py":
            found[name] = (ROOT / name).read_text(encoding="utf-8")
    return found


def pages() -> list[str]:
    return [name for name in texts() if name.endswith(".md")]


def rows(page: str, heading: str) -> list[list[str]]:
    """Cells of the first table after a heading, without its head."""
    after = (DOCS / page).read_text(encoding="utf-8").partition(f"\n## {heading}")[2]
    lines = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert lines is not None, f"{page}: no table after {heading!r}"
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in lines[0].splitlines()[2:]]


@pytest.mark.parametrize(
    ("page", "table", "source"),
    [
        ("settings.md", settings_table(), "services.runtime.settings import settings_table"),
        ("metrics.md", metrics_table(), "services.runtime.metrics import metrics_table"),
    ],
    ids=["settings", "metrics"],
)
def test_a_generated_table_is_the_code_s(page: str, table: str, source: str) -> None:
    function = source.rpartition(" ")[2]
    assert table in (DOCS / page).read_text(encoding="utf-8"), (
        f"put this in the place of the table in docs/{page}: .venv/bin/python -c 'from {source}; print({function}())'"
    )


def test_metrics_keep_to_the_conventions() -> None:
    for line in metrics_table().splitlines()[2:]:
        name, kind, labels, meaning = (cell.strip("` ") for cell in line.strip("|").split("|"))
        assert name.startswith("roadwatch_")
        assert name.endswith("_total") == (kind == "counter")
        assert kind != "histogram" or name.endswith("_seconds")
        assert not {"vehicle", "driver", "terminal", "plate"} & set(re.findall(r"\w+", labels))
        assert meaning


def test_every_page_that_is_named_exists() -> None:
    """In code, messages and pages; a decision may be named by its number alone."""
    assert [
        f"{name}: {path}"
        for name, text in texts().items()
        for path in re.findall(r"(?<![\w/.])docs/[\w./-]*\w", text.replace("\\", ""))
        if not list(ROOT.glob(path)) and not list(ROOT.glob(f"{path}-*.md"))
    ] == []


def test_every_link_of_a_page_leads_somewhere() -> None:
    broken = []
    for name in pages():
        for target in re.findall(r"\]\(([^)\s]+)\)", texts()[name]):
            if target.startswith(("http://", "https://")):
                continue
            path, _, anchor = target.partition("#")
            file = (ROOT / name).parent / path if path else ROOT / name
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append(f"{name}: {target}")
    assert broken == []


def anchors(page: Path) -> set[str]:
    """Of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_files_that_pages_name_exist() -> None:
    """`rules/engine.py` in a page is `services/rules/engine.py`."""
    assert [
        f"{name}: {path}"
        for name in pages()
        for path in re.findall(r"`([a-z_]+/[\w/]*\w\.(?:py|sh|yml|txt|lock))`", texts()[name])
        if not any((ROOT / folder / path).exists() for folder in ("", "services", "services/ingest"))
    ] == []


def test_variables_and_commands_that_pages_name_exist() -> None:
    known = {f"ROADWATCH_{name.upper()}" for name in Settings.model_fields} | OUTSIDE_SETTINGS
    for name in pages():
        assert set(re.findall(r"ROADWATCH_[A-Z_]*[A-Z]", texts()[name])) <= known, name
        commands = set(re.findall(r"`(?:\.venv/bin/)?roadwatch ([a-z]+)", texts()[name]))
        assert commands <= set(COMMANDS), name
        modules = re.findall(r"python -m (services[\w.]*\w)", texts()[name])
        for module in modules:
            place = ROOT.joinpath(*module.split("."))
            assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), (name, module)


def test_the_page_of_packed_records_is_the_code_s() -> None:
    header = rows("contracts.md", "Header")
    assert "<" + "".join(STRUCT[row[1]] for row in header) == HEADER.format
    assert [row[3].strip("`") for row in header[:2]] == [MAGIC.decode(), str(VERSION)]
    assert header[2][3] == f"{KIND_FIXES} fixes, {KIND_TICK} tick, {KIND_CONFIG} config"
    told = [(row[2].strip("`"), int(row[0]), NUMPY[row[1]]) for row in rows("contracts.md", "Fix")]
    fields: Mapping[str, Any] = FIX.fields or {}
    assert told == [(name, fields[name][1], fields[name][0].str) for name in FIX.names or ()]


def test_the_page_of_files_has_the_columns_of_the_code() -> None:
    columns: dict[str, tuple[Column, ...]] = {
        "vehicles.csv": tables.VEHICLE_COLUMNS,
        "drivers.csv": tables.DRIVER_COLUMNS,
        "assignments.csv": tables.ASSIGNMENT_COLUMNS,
        "roads.geojson": features.ROAD_COLUMNS,
        "routes.geojson": features.ROUTE_COLUMNS,
        "zones.geojson": features.ZONE_COLUMNS,
    }
    told = {row[0].split("`")[1]: row for row in rows("interfaces.md", "2. Files")}
    assert told.keys() == columns.keys()
    for name, (_, required, optional) in told.items():
        assert names(required) == {column.name for column in columns[name] if column.required}
        assert names(optional) - BY_READER == {column.name for column in columns[name] if not column.required}


def names(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


def test_decisions_have_one_form() -> None:
    files = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(file.name[:4]) for file in files] == list(range(1, len(files) + 1))
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert text.startswith(f"# {file.name[:4]} "), file.name
        parts = re.findall(r"^\*\*(\w+)", text, re.MULTILINE)
        assert parts in (
            ["Context", "Decision", "Consequences"],
            ["Context", "Decision", "Consequences", "Measured"],
        )
