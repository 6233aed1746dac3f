"""What the console draws is what the import takes: the cases of its own tests (`console/src/draw/cases.json`), put to the parsers."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.api import labels
from services.contracts.registry import ZONE_KINDS
from services.contracts.registry_files import FilesRefused, parse_file

DRAW = Path(__file__).parents[2] / "services" / "api" / "console" / "src" / "draw"
CASES: list[dict[str, Any]] = json.loads((DRAW / "cases.json").read_text("utf-8"))


def columns(kind: str, feature: dict[str, Any]) -> list[str | None]:
    """Where the import refuses a file of this one feature."""
    text = json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", **feature}]})
    try:
        parsed = parse_file(kind, "drawn.geojson", text.encode(), lambda _: ())
    except FilesRefused as refused:
        return [error.column for error in refused.errors]
    assert len(parsed.records) == 1
    return []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["is"])
def test_the_import_refuses_what_the_form_refuses_and_nothing_else(case: dict[str, Any]) -> None:
    kind = "routes" if case["draft"]["shape"] == "route" else "zones"
    assert sorted(map(str, columns(kind, case["feature"]))) == sorted(
        refused["column"] for refused in case["refused"]
    )


def test_the_form_offers_every_kind_of_zone() -> None:
    assert "meta.zone_kinds.map" in (DRAW / "Properties.tsx").read_text("utf-8")
    assert labels.codes(labels.ZONE_KINDS) == ZONE_KINDS
