"""What the codes in answers mean, in both languages, so that no console keeps a dictionary of its own."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.api import labels
from services.api.handling.states import REFUSED, TRANSITIONS
from services.api.identity import ACCESS, PERMISSIONS, Role, principal_of
from services.api.parameters import Nothing
from services.api.problems import answers
from services.api.schemas import Meta
from services.api.state import state_of
from services.contracts.handling import Action, Handling
from services.contracts.reasons import REASONS

router = APIRouter(tags=["meta"])


def _labels(table: tuple[labels.Label, ...]) -> list[dict[str, str]]:
    return [asdict(label) for label in table]


def actions() -> list[dict[str, Any]]:
    """What is done with alerts: which permission it takes (null: nobody does it, a deadline does), in which states of handling it is possible."""
    return [
        {
            **asdict(label),
            "permission": ACCESS.get(f"{label.code}_alert"),
            "handlings": [
                str(handling)
                for handling in Handling
                if TRANSITIONS[handling, Action(label.code)] is not REFUSED
            ],
        }
        for label in labels.ACTIONS
    ]


def roles() -> list[dict[str, Any]]:
    """Roles, and what each may do."""
    return [{**asdict(label), "permissions": sorted(PERMISSIONS[Role(label.code)])} for label in labels.ROLES]


DOCUMENT = {
    "version": version("roadwatch"),
    "classes": _labels(labels.CLASSES),
    "plate_colors": _labels(labels.PLATE_COLORS),
    "rules": _labels(labels.RULES),
    "kinds": {rule: _labels(kinds) for rule, kinds in labels.KINDS.items()},
    "severities": _labels(labels.SEVERITIES),
    "states": _labels(labels.STATES),
    "handlings": _labels(labels.HANDLINGS),
    "event_types": _labels(labels.EVENT_TYPES),
    "actions": actions(),
    "resolutions": _labels(labels.RESOLUTIONS),
    "supervisions": _labels(labels.SUPERVISIONS),
    "roles": roles(),
    "zone_kinds": _labels(labels.ZONE_KINDS),
    "road_classes": _labels(labels.ROAD_CLASSES),
    "reasons": [
        {"code": reason.code, "verdict": str(reason.verdict), "zh": reason.zh, "en": reason.en}
        for reason in REASONS
    ],
}


@router.get(
    "/v1/meta",
    response_class=Response,
    responses={
        200: {"model": Meta},
        **answers(["unknown-parameter", "unauthorized"]),
    },
    summary="代码表 · codes and their words",
)
async def get_meta(request: Request, _: Annotated[Nothing, Query()]) -> Response:
    """Every code that answers carry, in Chinese and English: severities the lightest first, actions with who may do them and when, roles with what they may.

    For who sees maps also whose tiles to draw.
    """
    settings = state_of(request).settings
    tiles = None
    if settings.tiles_url and principal_of(request).may("map:read"):
        tiles = {"url": settings.tiles_url, "credit": settings.tiles_credit}
    return Response(msgspec.json.encode(DOCUMENT | {"tiles": tiles}), media_type="application/json")
