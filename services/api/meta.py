"""What the codes in answers mean, in both languages, so that no console keeps a dictionary of its own."""

from dataclasses import asdict
from importlib.metadata import version
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from services.api import labels
from services.api.parameters import Nothing
from services.api.problems import answers
from services.api.schemas import Meta
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
BODY = msgspec.json.encode(DOCUMENT)


@router.get(
    "/v1/meta",
    response_class=Response,
    responses={
        200: {"model": Meta},
        **answers(["unknown-parameter", "unauthorized"]),
    },
    summary="代码表 · codes and their words",
)
async def get_meta(_: Annotated[Nothing, Query()]) -> Response:
    """Vehicle classes, rules, kinds, severities, states and reason codes with Chinese and English words."""
    return Response(BODY, media_type="application/json")
