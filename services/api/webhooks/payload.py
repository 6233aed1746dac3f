"""What a delivery says: type, time and a thin `data`: ids, rule, severity, state, times, place and vehicle, and nothing of the driver.

A body is made once, from an event, kept, and sent as it stands by every attempt. Who wants to know more asks the api, which notes who asked.
"""

import hashlib
from typing import Any

import msgspec

from services.contracts.alert import iso

LARGEST_BYTES = 20_000
PING, DISABLED = "endpoint.ping", "endpoint.disabled"
ALERT_FIELDS = (
    "rule", "rule_version", "kind", "severity", "state", "handling", "began", "ended", "at", "limit", "peak", "unit", "confidence", "late",
)  # fmt: skip
VEHICLE_FIELDS = ("id", "plate", "plate_color", "class", "operator", "division")


def message_id(endpoint: str, event: str) -> str:
    """The `webhook-id`: derived, so that the same event for the same endpoint always has the same."""
    return "msg_" + hashlib.sha256(f"{endpoint}\x1f{event}".encode()).hexdigest()[:26]


def alert_body(
    *, event: str, seq: int, event_type: str, time_ms: int, alert: str, sequence: int, data: str
) -> bytes:
    """The body for one step of an alert; `data` is the alert's JSON. One that would be too large holds the ids alone."""
    told: dict[str, Any] = msgspec.json.decode(data)
    vehicle = told["vehicle"]
    head: dict[str, Any] = {"id": event, "seq": seq, "alert": alert, "sequence": sequence}
    thin = head | {name: told.get(name) for name in ALERT_FIELDS}
    thin["vehicle"] = {name: vehicle[name] for name in VEHICLE_FIELDS}
    made = body(event_type, time_ms, thin)
    return made if len(made) < LARGEST_BYTES else body(event_type, time_ms, head)


def body(event_type: str, time_ms: int, data: dict[str, Any], *, test: bool = False) -> bytes:
    """`{type, timestamp, data}`, and `test` where it tells of nothing that happened."""
    marked = {"test": True} if test else {}
    return msgspec.json.encode({"type": event_type, "timestamp": iso(time_ms), **marked, "data": data})
