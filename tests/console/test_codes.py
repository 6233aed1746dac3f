"""The console takes codes, their order and who may do what from /v1/meta; what its own tests suppose of them is what the api says, and so is the page on handling."""

import json
import re
from pathlib import Path

import pytest

from services.api import labels
from services.api.app import document
from services.api.handling.states import REFUSED, TRANSITIONS
from services.api.identity import ACCESS, PERMISSIONS, Role
from services.api.meta import DOCUMENT, actions, roles
from services.contracts.handling import Action, Handling

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "services" / "api" / "console" / "src"
TABLES = {
    "severities": labels.SEVERITIES,
    "roles": labels.ROLES,
    "zone_kinds": labels.ZONE_KINDS,
    "road_classes": labels.ROAD_CLASSES,
    "handlings": labels.HANDLINGS,
    "event_types": labels.EVENT_TYPES,
    "resolutions": labels.RESOLUTIONS,
    "classes": labels.CLASSES,
}


def test_what_the_console_s_tests_suppose_is_what_the_api_says() -> None:
    sample = json.loads((SOURCE / "app" / "codes.sample.json").read_text(encoding="utf-8"))
    assert sample == {name: DOCUMENT[name] for name in sample}
    assert sample.keys() == {"actions", "event_types", "handlings", "severities", "zone_kinds"}


def test_actions_say_by_whom_and_when() -> None:
    told = {each["code"]: each for each in actions()}
    assert told.keys() == {str(action) for action in Action}
    for action in Action:
        possible = [str(state) for state in Handling if TRANSITIONS[state, action] is not REFUSED]
        assert told[action]["handlings"] == possible
    assert told["escalate"]["permission"] is None
    assert all(told[code]["permission"] == ACCESS[f"{code}_alert"] for code in told if code != "escalate")


def test_roles_say_what_they_may() -> None:
    assert {each["code"]: set(each["permissions"]) for each in roles()} == {
        role.value: set(PERMISSIONS[role]) for role in Role
    }


def written(table: str) -> list[str]:
    """Places of the console's source that list three codes of a table or more in one line."""
    codes = [label.code for label in TABLES[table]]
    found = []
    for file in sorted(SOURCE.rglob("*.ts*")):
        if file.name == "schema.ts" or ".test." in file.name or ".sample." in file.name:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if sum(bool(re.search(rf"\b{re.escape(code)}\b", line)) for code in codes) >= 3:
                found.append(f"{file.relative_to(SOURCE)}:{number}")
    return found


PRESENTED = {
    "classes": {"map/colours.ts"},
    "severities": {"live/announce.ts", "ui/index.tsx", "map/pointLayer.ts"},
}
"""Files that give codes a colour, a shape or a sound: how they look is the console's own."""


@pytest.mark.parametrize("table", TABLES)
def test_no_list_of_codes_is_written_into_the_console(table: str) -> None:
    found = [place for place in written(table) if place.partition(":")[0] not in PRESENTED.get(table, set())]
    assert not found, f"{table} stand in /v1/meta"


FIELDS = (
    ("search/Presence.tsx", "buffer", "PresenceRequest", "buffer_m"),
    ("govern/Keys.tsx", "name", "NewKey", "name"),
    ("govern/Webhooks.tsx", "description", "NewWebhook", "description"),
    ("alert/Form.tsx", "text", "Comment", "text"),
)
BOUNDS = {"maxLength": "maxLength", "min": "minimum", "max": "maximum"}


@pytest.mark.parametrize(("file", "field", "shape", "name"), FIELDS)
def test_a_form_takes_what_the_api_takes(file: str, field: str, shape: str, name: str) -> None:
    """Neither more nor less: what is refused here and taken there, or the other way round, is a limit that stands twice."""
    text = (SOURCE / file).read_text(encoding="utf-8")
    (entry,) = re.findall(rf'<(?:input|textarea)[^>]* name="{field}"[^>]*>', text)
    schema = document()["components"]["schemas"][shape]["properties"][name]
    schema = next((one for one in schema.get("anyOf", ()) if one["type"] != "null"), schema)
    given = {here: float(value) for here, value in re.findall(r"\b(maxLength|min|max)=\{(\d+)\}", entry)}
    assert given
    assert given == {here: float(schema[there]) for here, there in BOUNDS.items() if there in schema}


def test_the_page_on_handling_has_the_table_that_is_kept_to() -> None:
    text = (ROOT / "docs" / "handling.md").read_text(encoding="utf-8")
    head, _, *rows = [
        line.strip("| ").split("|")
        for line in text.split("## States and actions")[1].splitlines()
        if line.startswith("|")
    ][:6]
    columns = [[Action(name.strip()) for name in cell.split(",")] for cell in head if cell.strip()]
    assert len(rows) == len(Handling)
    for row in rows:
        state = Handling(row[0].strip(" `"))
        for cell, named in zip(row[1:], columns, strict=True):
            said = cell.strip(" `")
            for action in named:
                after = TRANSITIONS[state, action]
                assert said == (
                    "–" if after is REFUSED else "stays" if after == state and said == "stays" else str(after)
                ), (state, action)
