"""Why somebody looks (查询事由): asked of people and keys before a track, a search, an export or a driver is shown, and written down before it is.

The audit row is committed in a transaction of its own before the first byte goes out: no look without a row, though a row may stand for a look
that failed later. The system's own token may go without a purpose; its looks are written down as well.
"""

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import Depends, Header, Request
from pydantic import Field

from services.api.identity import SYSTEM, principal_of
from services.api.parameters import Query
from services.api.problems import Problem, invalid
from services.api.state import state_of
from services.store import scope

SHORTEST, LONGEST = 2, 200


class PurposeParameters(Query):
    """Base of the parameters of a look: `purpose_of` reads the purpose itself, from here or from the header."""

    purpose: str | None = Field(
        default=None,
        max_length=1000,
        description="查询事由,2–200 字;也可用 X-Purpose 头 · why you look, 2 to 200 characters; or the header X-Purpose",
    )


def purpose_of(
    request: Request,
    x_purpose: Annotated[
        str | None,
        Header(
            max_length=2000,
            description="查询事由(UTF-8 或百分号编码),代替 purpose · the same as a header, UTF-8 or percent-encoded",
        ),
    ] = None,
) -> str | None:
    """The purpose of a request; a dependency of every operation that is a look, whose own parameters are a `PurposeParameters`.

    Raises:
        Problem: `purpose-required` where it is missing, `invalid-parameter` where it says nothing.
    """
    purpose = request.query_params.get("purpose")
    given = purpose if purpose is not None else header_text(x_purpose)
    if given is None:
        if principal_of(request) is SYSTEM:
            return None
        raise Problem("purpose-required")
    text = " ".join(given.split())
    if not SHORTEST <= len(text) <= LONGEST or not text.isprintable():
        raise invalid(
            "purpose", "查询事由应为 2–200 个可见字符", "the purpose must have 2 to 200 visible characters"
        )
    return text


Purpose = Annotated[str | None, Depends(purpose_of)]


def header_text(value: str | None) -> str | None:
    """A header's text: bytes are read as latin-1 by the server, but people send UTF-8, or percent-encode it."""
    if value is None:
        return None
    try:
        return unquote(value.encode("latin-1").decode())
    except (UnicodeEncodeError, UnicodeDecodeError):
        return value


async def looked(
    request: Request,
    action: str,
    target: str,
    purpose: str | None,
    *,
    outcome: str = "ok",
    detail: dict[str, Any] | None = None,
) -> None:
    """Write a look into the audit chain and commit it.

    Raises:
        DatabaseAway: it could not be written, so nothing may be shown.
    """
    state = state_of(request)
    async with state.database.writing(scope.EVERYTHING) as conn:
        await state.audit(conn, request, action, target, outcome=outcome, purpose=purpose, detail=detail)
