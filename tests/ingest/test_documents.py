"""The published descriptions of what travels, held against the code that reads and writes it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from services.contracts.batch import HEADER, KIND_CONFIG, KIND_FIXES, KIND_TICK, MAGIC, TICK_BODY, VERSION
from services.contracts.datum import TO_WGS84
from services.contracts.fix import ALARMS, DOORS, FIX, FIX_BYTES, LOADS
from services.contracts.reasons import FLAGS, REJECTING, Verdict
from services.contracts.topics import CONTENT_TYPE, JSON_REPORT, REJECT_HEADERS, TOPICS
from services.ingest.protocols.json_report import FIELDS, NUMERIC
from tests.ingest.corpus import CASES

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA: dict[str, Any] = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
ASYNC: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))
MESSAGES = ASYNC["components"]["messages"]
VALIDATOR = Draft202012Validator(SCHEMA)

TELLS = {
    "TYPE", "MISSING", "RANGE_SPEED", "RANGE_GEO", "TEXT_LENGTH", "SCHEMA", "DATUM", "RANGE_COURSE", "RANGE_ALT", "ODOMETER",
    "SATELLITES", "ALARM_UNKNOWN", "DOOR_UNKNOWN", "LOAD_UNKNOWN",
}  # fmt: skip
"""Codes that a schema can tell of every report; the others need bytes, a calendar, a clock, a map or a registry."""


def readable() -> list[Any]:
    cases = []
    for name, value, code in CASES:
        try:
            document = json.loads(value or b"")
        except (ValueError, RecursionError):
            continue
        cases.append(pytest.param(document, code, id=name))
    return cases


@pytest.mark.parametrize(("document", "code"), readable())
def test_the_schema_takes_what_is_accepted_and_refuses_what_it_can_tell(
    document: object, code: str | None
) -> None:
    if code is None:
        VALIDATOR.validate(document)
    elif code in TELLS:
        assert not VALIDATOR.is_valid(document)


def test_the_schema_is_a_schema_and_fits_its_examples() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for example in SCHEMA["examples"]:
        VALIDATOR.validate(example)
    assert set(SCHEMA["examples"][0]) == set(FIELDS)


def test_the_schema_names_the_fields_and_words_of_the_code() -> None:
    properties = SCHEMA["properties"]
    assert set(properties) == set(FIELDS)
    assert tuple(properties["doors"]["items"]["enum"]) == DOORS
    assert tuple(properties["alarms"]["items"]["enum"]) == ALARMS
    assert tuple(properties["load"]["enum"][:-1]) == LOADS[1:]
    assert set(properties["datum"]["enum"]) == {"WGS-84", None, *TO_WGS84}
    assert all(
        "number" in properties[name]["type"] or "boolean" in properties[name]["type"] for name in NUMERIC
    )
    optional = set(properties) - set(SCHEMA["required"])
    assert all(VALIDATOR.evolve(schema=properties[name]).is_valid(None) for name in optional)


def test_channels_are_the_topics_with_their_settings() -> None:
    told = {
        channel["address"]: {
            name: str(value) for name, value in channel["bindings"]["kafka"]["topicConfiguration"].items()
        }
        for channel in ASYNC["channels"].values()
    }
    assert told == {topic.full_name("gps."): topic.settings() for topic in TOPICS}


def test_every_reference_leads_somewhere() -> None:
    def resolve(node: object) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and reference.startswith("#/"):
                found: Any = ASYNC
                for part in reference[2:].split("/"):
                    found = found[part]
            elif reference is not None:
                assert (DOCS / str(reference)).is_file()
            for item in node.values():
                resolve(item)
        elif isinstance(node, list):
            for item in node:
                resolve(item)

    resolve(ASYNC)


def test_the_packed_batch_is_described_as_it_is() -> None:
    fixes = MESSAGES["fixes"]
    assert fixes["x-header"]["struct"] == HEADER.format
    assert (fixes["x-header"]["magic"].encode(), fixes["x-header"]["version"]) == (MAGIC, VERSION)
    assert fixes["x-fix"]["bytes"] == FIX_BYTES == FIX.itemsize
    fields: Mapping[str, Any] = FIX.fields or {}
    assert [tuple(row) for row in fixes["x-fix"]["fields"]] == [
        (n, fields[n][0].str, fields[n][1]) for n in FIX.names or ()
    ]
    assert tuple(fixes["x-flags"]) == FLAGS
    assert [MESSAGES[name]["x-kind"] for name in ("fixes", "tick", "config")] == [
        KIND_FIXES,
        KIND_TICK,
        KIND_CONFIG,
    ]
    assert MESSAGES["tick"]["payload"]["minLength"] == HEADER.size + TICK_BODY.size


def test_rejected_and_report_headers_are_described_as_they_are() -> None:
    headers = MESSAGES["rejected"]["headers"]
    assert tuple(headers["required"]) == tuple(headers["properties"]) == REJECT_HEADERS
    assert tuple(headers["properties"]["reason"]["enum"]) == REJECTING
    assert set(headers["properties"]["verdict"]["enum"]) == {Verdict.QUARANTINE.value, Verdict.REJECT.value}
    assert MESSAGES["report"]["headers"]["properties"][CONTENT_TYPE]["default"] == JSON_REPORT
