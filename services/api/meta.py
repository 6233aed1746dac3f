"""What the codes in answers mean, in both languages, so that no console keeps a dictionary of its own."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.api import labels
from services.api.identity import principal_of
from services.api.parameters import Nothing
from services.api.problems import answers
from services.api.schemas import Meta
from services.api.state import state_of
from services.contracts.reasons import REASONS

router = APIRouter(tags=["meta"])


def _labels(table: tuple[labels.Label, ...]) -> list[dict[str, str]]:
    return [asdict(label) for label in table]


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
    "actions": _labels(labels.ACTIONS),
    "resolutions": _labels(labels.RESOLUTIONS),
    "supervisions": _labels(labels.SUPERVISIONS),
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
    """Vehicle classes, rules, kinds, severities, states and reason codes with Chinese and English words; for who sees maps, whose tiles to draw."""
    settings = state_of(request).settings
    tiles = None
    if settings.tiles_url and principal_of(request).may("map:read"):
        tiles = {"url": settings.tiles_url, "credit": settings.tiles_credit}
    return Response(msgspec.json.encode(DOCUMENT | {"tiles": tiles}), media_type="application/json")
