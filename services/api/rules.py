"""The rules as an authority asks about them: what each flags, on what law, by which figures now, and who changed them when.

The api judges nothing and imports no rule: what a rule says of itself is kept as a document that is made from the rules (`cli/rules_document.py`).
"""

from dataclasses import asdict
from functools import cache
from importlib import resources
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.api import labels
from services.api.parameters import Nothing
from services.api.problems import answers
from services.api.rule_words import WORDS
from services.api.schemas_rules import RuleList
from services.api.state import state_of
from services.contracts.alert import iso
from services.contracts.registry import RuleSet
from services.contracts.rule_values import completed, in_force
from services.runtime.clock import now_ms
from services.store import configs, registry
from services.store.scope import EVERYTHING
from services.store.times import to_ms

MOST_SETS = 100
TEXTS = ("flags", "basis", "course", "ignores")

router = APIRouter(tags=["meta"])


@router.get(
    "/v1/rules",
    response_class=Response,
    responses={
        200: {"model": RuleList},
        **answers(["unknown-parameter", "unauthorized", "database-away"]),
    },
    summary="规则与参数 · rules and their parameters",
)
async def list_rules(request: Request, _: Annotated[Nothing, Query()]) -> Response:
    """Every rule, and what the rules share, with its legal basis and each parameter's value in force now, and the last 100 rule sets, newest first.

    Values hold by event time: a report is judged by the sets of its own time. `registry` is the version that judging has; a newer `imported`
    one is on its way.
    """
    at_ms = now_ms()
    async with state_of(request).database.reading(EVERYTHING) as conn:
        sets = await registry.rule_sets(conn)
        history = await registry.rule_history(conn, MOST_SETS)
        published, latest = await configs.published(conn), await configs.latest(conn)
    body = {
        "items": [_rule(rule, in_force(sets, at_ms).get(rule["name"], {})) for rule in rules()],
        "sets": [_set(row, sets, at_ms) for row in history],
        "registry": published.version if published else None,
        "imported": latest.version if latest else None,
    }
    return Response(
        msgspec.json.encode(body), media_type="application/json", headers={"cache-control": "no-store"}
    )


@cache
def rules() -> list[dict[str, Any]]:
    """What the rules say of themselves."""
    text = resources.files("services.api").joinpath("rules.json").read_bytes()
    found: list[dict[str, Any]] = msgspec.json.decode(text)
    return found


def _rule(rule: dict[str, Any], given: dict[str, tuple[Any, RuleSet]]) -> dict[str, Any]:
    label = next(label for label in (*labels.RULES, *labels.SHARED) if label.code == rule["name"])
    words = WORDS[rule["name"]]
    return {
        "rule": rule["name"],
        "zh": label.zh,
        "en": label.en,
        **{name: {"zh": getattr(words, name), "en": rule[name]} for name in TEXTS},
        "kinds": [asdict(kind) for kind in labels.KINDS.get(rule["name"], ())],
        "parameters": [
            _parameter(parameter, words.parameters[parameter["name"]], given)
            for parameter in rule["parameters"]
        ],
    }


def _parameter(parameter: dict[str, Any], zh: str, given: dict[str, tuple[Any, RuleSet]]) -> dict[str, Any]:
    value, by = given.get(parameter["name"], (None, None))
    return {
        "name": parameter["name"],
        "zh": zh,
        "en": parameter["text"],
        "shape": parameter["shape"],
        "unit": parameter["unit"],
        "low": parameter["low"],
        "high": parameter["high"],
        "source": parameter["source"],
        "default": parameter["default"],
        "value": completed(parameter["shape"], parameter["default"], value),
        "set": by.version if by else None,
        "from": iso(by.from_ms) if by and by.from_ms is not None else None,
        "to": iso(by.to_ms) if by and by.to_ms is not None else None,
    }


def _set(row: asyncpg.Record, sets: tuple[RuleSet, ...], at_ms: int) -> dict[str, Any]:
    from_ms, until_ms = to_ms(row["from_at"]), to_ms(row["to_at"])
    judged_by = row["version"] in {rule_set.version for rule_set in sets}
    holds = judged_by and (from_ms is None or from_ms <= at_ms) and (until_ms is None or at_ms < until_ms)
    return {
        "version": row["version"],
        "parameters": row["parameters"],
        "from": None if from_ms is None else iso(from_ms),
        "to": None if until_ms is None else iso(until_ms),
        "basis": row["basis"],
        "created": iso(to_ms(row["created_at"])),
        "state": "in_force" if holds else "superseded" if not judged_by else "other_time",
    }
