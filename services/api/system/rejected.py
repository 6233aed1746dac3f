"""Reports that were kept out, with their bytes, read back from `gps.rejected`: for whoever has to find out why.

They may hold positions and drivers' codes of anybody, and belong to no division. So they are shown to accounts alone whose scope is everything,
who say why they look, and each look is written into the audit before it is answered.
"""

from base64 import b64encode
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.api.history.purpose import Purpose, PurposeParameters, looked
from services.api.identity import principal_of
from services.api.parameters import RejectReasons, Text, Time, time_ms
from services.api.problems import Problem, answers, invalid
from services.api.state import state_of
from services.api.system.schemas import RejectedPage
from services.contracts.alert import iso
from services.contracts.reasons import BY_CODE
from services.contracts.topics import CONTENT_TYPE, REJECTED
from services.runtime.kafka import Found, KafkaAway, Look, look_back

MOST = 200
MOST_BYTES = 4096
"""Of a report's own bytes; how many it has is told as well."""
MOST_NAME = 200
DEADLINE_S = 3.0
LONGEST_CURSOR = 8192
"""It names an offset of every partition: enough for several hundred."""

log = structlog.get_logger()
router = APIRouter(tags=["health"])


class RejectedParameters(PurposeParameters):
    """Filters and paging."""

    reason: RejectReasons = Field(default=[], description="原因代码,见 /v1/meta · reason codes; none: all")
    key: Text | None = Field(
        default=None, description="消息的键,通常为终端号 · the record's key, by custom the terminal's number"
    )
    from_: Time | None = Field(default=None, alias="from", description="起(含)· from, inclusive")
    to: Time | None = Field(default=None, description="止(不含)· until, exclusive")
    before: Annotated[str, Field(min_length=1, max_length=LONGEST_CURSOR)] | None = Field(
        default=None, description="上一次的 next,继续往前 · the next of the answer before: older ones"
    )
    limit: Annotated[int, Field(ge=1, le=MOST)] = Field(
        default=50, description="条数,至多 200 · how many, at most 200"
    )


@router.get(
    "/v1/rejected",
    response_class=Response,
    responses={
        200: {"model": RejectedPage},
        **answers(
            [
                "invalid-parameter", "unknown-parameter", "invalid-cursor", "cursor-mismatch", "purpose-required", "unauthorized",
                "scope-too-narrow", "database-away", "kafka-away",
            ]
        ),
    },
    summary="拒收的报文 · reports that were kept out",
)  # fmt: skip
async def list_rejected(
    request: Request, parameters: Annotated[RejectedParameters, Query()], purpose: Purpose
) -> Response:
    """Rejected and quarantined reports with their reason and their first 4096 bytes, the newest first. Kept for 30 days.

    Looked at are at most some 50,000 records, for at most three seconds. If that ends the search, `stopped` says so (`records` or `time`) and `next`
    goes on from there; there may be no item yet. Each look is written into the audit with its purpose.
    """
    if not principal_of(request).scope.everything:
        raise Problem("scope-too-narrow")
    state = state_of(request)
    from_ms, to_ms = time_ms(parameters.from_), time_ms(parameters.to)
    if from_ms is not None and to_ms is not None and from_ms >= to_ms:
        raise invalid("from", "from 应早于 to", "from must be before to")
    conditions = repr(
        (state.settings.partitions, parameters.reason, parameters.key, parameters.from_, parameters.to)
    )
    before = state.rejected_cursors.read(parameters.before, conditions) if parameters.before else None
    look = Look(
        most=parameters.limit, wanted=wanted(parameters.reason, parameters.key), value_bytes=MOST_BYTES,
        before=None if before is None else [int(offset) for offset in before], from_ms=from_ms, to_ms=to_ms,
    )  # fmt: skip
    quick = state.settings.model_copy(update={"deadline_s": min(DEADLINE_S, state.settings.deadline_s)})
    try:
        async with state.rejected_looks:
            seen = await look_back(quick, REJECTED, look)
    except (KafkaAway, OSError) as error:
        log.debug("kafka_away", error=str(error))
        raise Problem("kafka-away") from error
    items = [shown(record) for record in seen.records]
    asked = parameters.model_dump(
        exclude={"before", "limit", "purpose"}, exclude_defaults=True, by_alias=True
    )
    await looked(
        request,
        "rejected.read",
        "rejected",
        purpose,
        detail=asked | {"items": [item["id"] for item in items]},
    )
    following = None if seen.before is None else state.rejected_cursors.write(seen.before, conditions)
    body = {"items": items, "next": following, "scanned": seen.passed, "stopped": seen.stopped}
    return Response(
        msgspec.json.encode(body), media_type="application/json", headers={"cache-control": "no-store"}
    )


def wanted(reasons: Sequence[str], key: str | None) -> Callable[[Any], bool]:
    """Whether a record of the topic is asked for."""
    codes, key_bytes = {reason.encode() for reason in reasons}, None if key is None else key.encode()

    def asked_for(record: Any) -> bool:
        if key_bytes is not None and record.key != key_bytes:
            return False
        return not codes or next((value for name, value in record.headers if name == "reason"), None) in codes

    return asked_for


def shown(record: Found) -> dict[str, Any]:
    """A record as it is answered; what ingest did not write, or not so, is null."""
    headers: dict[str, str] = {}
    for name, value in record.headers:  # ours come first, and a sender may have sent some of the same name
        headers.setdefault(name, _name(value or b""))
    partition, offset = _whole(headers.get("source-partition")), _whole(headers.get("source-offset"))
    source = {"topic": headers.get("source-topic", ""), "partition": partition, "offset": offset}
    code = headers.get("reason")
    known = None if code is None else BY_CODE.get(code)
    return {
        "id": f"{record.partition}-{record.offset}",
        "time": iso(record.time_ms),
        "reason": None
        if code is None
        else {
            "code": code,
            "verdict": str(known.verdict) if known else headers.get("verdict", ""),
            "zh": known.zh if known else code,
            "en": known.en if known else code,
        },
        "source": None if partition is None or offset is None else source,
        "key": None if record.key is None else _name(record.key),
        "content_type": headers.get(CONTENT_TYPE),
        "bytes": record.size,
        "base64": b64encode(record.value).decode(),
        "text": text_of(record.value, whole=record.size == len(record.value)),
    }


def text_of(value: bytes, *, whole: bool) -> str | None:
    """Bytes as text, None unless all of it is printable UTF-8; of a report that is not `whole`, the last character may be cut."""
    try:
        text = getincrementaldecoder("utf-8")().decode(value, final=whole)
    except UnicodeDecodeError:
        return None
    return text if all(part.isprintable() or part in "\t\r\n" for part in text) else None


def _name(value: bytes) -> str:
    """The bytes of a key or a header, what is no text in them as escapes."""
    return value[:MOST_NAME].decode("utf-8", "backslashreplace")


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 19 else None
