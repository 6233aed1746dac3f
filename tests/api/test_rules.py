"""The rules over HTTP: their words are complete, and the values told are those that judging takes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.api import labels
from services.api.rule_words import WORDS
from services.api.rules import rules
from services.cli import rules_document
from services.contracts.registry import RuleSet
from services.contracts.rule_values import completed, in_force
from services.rules.parameters import complete
from services.rules.registry import BY_NAME, EVERYTHING, periods
from services.runtime.clock import now_ms
from services.store.times import to_time
from tests.api.support import Api

FILE = "services/api/rules.json"
ADD = "INSERT INTO rule_set (parameters, from_at, to_at, basis) VALUES ($1, $2, $3, $4)"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def no_sets(writer: asyncpg.Connection) -> None:
    await writer.execute("TRUNCATE rule_set RESTART IDENTITY")


def parameters_of(body: dict[str, Any], rule: str) -> dict[str, dict[str, Any]]:
    (found,) = [item for item in body["items"] if item["rule"] == rule]
    return {parameter["name"]: parameter for parameter in found["parameters"]}


def test_the_document_is_that_of_the_rules(request: pytest.FixtureRequest) -> None:
    frozen = (request.config.rootpath / FILE).read_text(encoding="utf-8")
    assert frozen == rules_document.text(), f"run: python -m services.cli.rules_document > {FILE}"


def test_every_rule_and_parameter_has_its_words() -> None:
    assert list(WORDS) == [rule["name"] for rule in rules()] == [rule.name for rule in EVERYTHING]
    for rule in rules():
        assert list(WORDS[rule["name"]].parameters) == [parameter["name"] for parameter in rule["parameters"]]
        assert all(rule[text] for text in ("flags", "basis", "course", "ignores"))


async def test_without_a_set_the_defaults_hold(api: Api) -> None:
    body = (await api.get("/v1/rules")).json()
    assert [item["rule"] for item in body["items"]] == [
        label.code for label in (*labels.RULES, *labels.SHARED)
    ]
    assert body["sets"] == []
    for rule in EVERYTHING:
        told = {name: parameter["value"] for name, parameter in parameters_of(body, rule.name).items()}
        assert told == complete(rule.parameters, {})
    assert parameters_of(body, "speeding")["min_duration_s"]["set"] is None


async def test_the_values_in_force_are_those_that_judging_takes(api: Api, writer: asyncpg.Connection) -> None:
    now = datetime.fromtimestamp(now_ms() / 1000, UTC)
    await writer.execute(ADD, {"speeding": {"min_duration_s": 99}}, None, None, "作废")
    await writer.execute(
        ADD, {"speeding": {"min_duration_s": 20, "night_factor": {"hazmat": 0.7}}}, None, None, "常年"
    )
    await writer.execute(ADD, {"speeding": {"min_duration_s": 25}}, now - DAY, now + DAY, "专项")
    await writer.execute(ADD, {"speeding": {"min_duration_s": 10}}, now + DAY, None, "将来")
    body = (await api.get("/v1/rules")).json()
    told = parameters_of(body, "speeding")
    assert (told["min_duration_s"]["value"], told["min_duration_s"]["set"]) == (25, 3)
    assert told["min_duration_s"]["from"] is not None
    assert told["night_factor"]["value"] == {"coach": 0.8, "charter": 0.8, "hazmat": 0.7}
    assert [(one["version"], one["state"], one["basis"]) for one in body["sets"]] == [
        (4, "other_time", "将来"), (3, "in_force", "专项"), (2, "in_force", "常年"), (1, "superseded", "作废"),
    ]  # fmt: skip


@pytest.mark.parametrize("at", [5, 10, 15, 20, 25])
def test_what_is_told_and_what_is_judged_by_are_the_same(at: int) -> None:
    sets = (
        RuleSet(version=1, parameters={"speeding": {"min_duration_s": 20, "statutory_kmh": {"coach": None}}}),
        RuleSet(version=2, parameters={"speeding": {"statutory_kmh": {"coach": {"urban": 40}}}}, from_ms=10, to_ms=20),
        RuleSet(version=3, parameters={"speeding": {"min_duration_s": 40}, "fatigue": {"still_kmh": 2}}, from_ms=15),
    )  # fmt: skip
    edges, overrides = periods(sets)
    judged = overrides[int((edges <= at).sum())]
    told = in_force(sets, at)
    for rule in ("speeding", "fatigue"):
        values = {name: value for name, (value, _) in told.get(rule, {}).items()}
        assert values == judged.get(rule, {})
        for parameter in BY_NAME[rule].parameters:
            mine = completed(parameter.shape, parameter.default, values.get(parameter.name))
            assert mine == complete(BY_NAME[rule].parameters, judged.get(rule, {}))[parameter.name]


@pytest.mark.parametrize(
    ("sets", "radius", "by"),
    [
        ([{"speeding": {"match_radius_m": 20}}], 20, 1),
        ([{"matching": {"match_radius_m": 40}}, {"speeding": {"match_radius_m": 20}}], 40, 1),
        ([{"speeding": {"moving_kmh": 9}}, {"matching": {"tie_m": 3}}], 30, None),
    ],
)
def test_what_matching_says_counts_and_speeding_is_still_heard(
    sets: list[dict[str, dict[str, Any]]], radius: float, by: int | None
) -> None:
    dated = tuple(RuleSet(version=place, parameters=given) for place, given in enumerate(sets, start=1))
    value, given_by = in_force(dated, 0)["matching"].get("match_radius_m", (30, None))
    assert (value, given_by.version if given_by else None) == (radius, by)
    assert "match_radius_m" not in in_force(dated, 0).get("speeding", {})
    assert periods(dated)[1][0]["matching"].get("match_radius_m", 30) == radius


async def test_the_version_that_is_on_its_way_is_told(api: Api, writer: asyncpg.Connection) -> None:
    await writer.execute("DELETE FROM config_version")
    await writer.execute(
        "INSERT INTO config_document (sha256, body) VALUES ('aa', '') ON CONFLICT DO NOTHING"
    )
    for version, published in ((1, to_time(now_ms())), (2, None)):
        await writer.execute(
            "INSERT INTO config_version (version, sha256, summary, published_at) VALUES ($1, 'aa', '', $2)", version, published
        )  # fmt: skip
    body = (await api.get("/v1/rules")).json()
    assert (body["registry"], body["imported"]) == (1, 2)
    await writer.execute("DELETE FROM config_version")
