"""Drivers: names, telephone and identity numbers masked, unless the role may see them and the purpose says why; every look is audited."""

import re
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from services.api.history.purpose import Purpose, PurposeParameters, looked
from services.api.history.shapes import Driver, DriverPage
from services.api.identity import UNMASK, principal_of
from services.api.parameters import DEFAULT_LIMIT, Cursor, Limit, Names
from services.api.problems import Problem, answers
from services.api.state import state_of
from services.contracts.registry import normal_driver
from services.runtime.clock import now_ms
from services.store import driver_list
from services.store.times import to_time

IDENTITY = re.compile(r"\d{15}|\d{17}[\dXx]", re.ASCII)

router = APIRouter(tags=["drivers"])


class DriverParameters(PurposeParameters):
    """Whether to show what is masked."""

    unmask: bool = Field(
        default=False, description="显示完整信息,须有权限 drivers:unmask · show in full; needs drivers:unmask"
    )


class DriverListParameters(DriverParameters):
    """Filter and paging."""

    operator: Names = Field(default=[], description="企业名称 · operators by name")
    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


LOOKS = [
    "invalid-parameter",
    "unknown-parameter",
    "purpose-required",
    "unauthorized",
    "forbidden",
    "database-away",
]


@router.get(
    "/v1/drivers",
    response_class=Response,
    responses={200: {"model": DriverPage}, **answers([*LOOKS, "invalid-cursor", "cursor-mismatch"])},
    summary="驾驶员列表 · drivers",
)
async def list_drivers(
    request: Request, parameters: Annotated[DriverListParameters, Query()], purpose: Purpose
) -> Response:
    """Drivers in view, by code: of operators in view, and, where divisions or classes are limited, assigned to or seen on a vehicle in view (400 days)."""
    _permitted(request, parameters)
    state = state_of(request)
    conditions = repr(sorted(parameters.operator))
    after = int(state.driver_cursors.read(parameters.cursor, conditions)[0]) if parameters.cursor else 0
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        rows = await driver_list.page(
            conn, view, to_time(now_ms()), after, parameters.limit + 1, parameters.operator or None
        )
    shown, following = state.driver_cursors.cut(
        rows, parameters.limit, lambda _: (after + parameters.limit,), conditions
    )
    detail = {"drivers": [row["driver"] for row in shown], "unmask": parameters.unmask}
    await looked(request, "driver.list", "drivers", purpose, detail=detail)
    items = [_driver(row, unmask=parameters.unmask) for row in shown]
    return Response(msgspec.json.encode({"items": items, "next": following}), media_type="application/json")


@router.get(
    "/v1/drivers/{code}",
    response_class=Response,
    responses={200: {"model": Driver}, **answers([*LOOKS, "driver-not-found"])},
    summary="单个驾驶员 · one driver",
)
async def get_driver(
    request: Request,
    code: Annotated[str, Path(max_length=64, description="驾驶员编码 · the driver's code")],
    parameters: Annotated[DriverParameters, Query()],
    purpose: Purpose,
) -> Response:
    """One driver in view."""
    _permitted(request, parameters)
    state = state_of(request)
    view = await state.view(request)
    row = None
    if code.isprintable():
        async with state.database.reading(view) as conn:
            row = await driver_list.one(conn, view, to_time(now_ms()), normal_driver(code))
        outcome = "driver-not-found" if row is None else "ok"
        await looked(
            request, "driver.read", f"driver:{code}", purpose, outcome=outcome, detail={"unmask": parameters.unmask}
        )  # fmt: skip
    if row is None:
        raise Problem("driver-not-found", {"id": code})
    body = msgspec.json.encode(_driver(row, unmask=parameters.unmask))
    return Response(body, media_type="application/json")


def _permitted(request: Request, parameters: DriverParameters) -> None:
    if parameters.unmask and not principal_of(request).may(UNMASK):
        raise Problem("forbidden", {"permission": UNMASK})


def _driver(row: asyncpg.Record, *, unmask: bool) -> dict[str, Any]:
    found = {
        "driver": row["driver"],
        "name": row["name"],
        "operator": row["operator"],
        "licence_class": row["licence_class"],
        "qualified_for": row["qualified_for"],
        "valid_to": None if row["valid_to"] is None else row["valid_to"].isoformat(),
        "phone": row["phone"],
        "masked": not unmask,
    }
    if unmask:
        return found
    phone = None if row["phone"] is None else masked_number(row["phone"])
    return found | {"driver": masked_code(row["driver"]), "name": masked_name(row["name"]), "phone": phone}


def masked_name(name: str) -> str:
    """`王*`: the first character alone, whatever the length says."""
    return f"{name[:1]}*"


def masked_number(number: str) -> str:
    """`138****5678`; of a short one less is left."""
    if len(number) >= 11:
        return f"{number[:3]}****{number[-4:]}"
    return f"{number[:1]}****{number[-1:]}" if len(number) > 4 else "****"


def masked_code(code: str) -> str:
    """A driver's code as it is, unless it is an identity number (从业资格证号 often is): `6401**********1234`."""
    return f"{code[:4]}{'*' * (len(code) - 8)}{code[-4:]}" if IDENTITY.fullmatch(code) else code
