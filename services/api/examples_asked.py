"""Examples of what is sent, for OpenAPI: parameters by name, bodies by operation. They speak of the same vehicle, alert and people as the answers.

A test sends every one of them to an api in which these stand.
"""

from typing import Any

from services.api import examples

PARAMETERS: dict[str, Any] = {
    "account_id": examples.ACCOUNT["id"],
    "alert_id": examples.ALERT["id"],
    "vehicle_id": examples.VEHICLE["id"],
    "route_id": examples.ROUTE_HEAD["route"],
    "job_id": examples.JOB["id"],
    "key_id": examples.KEY["id"],
    "webhook_id": examples.WEBHOOK["id"],
    "delivery_id": examples.DELIVERY["id"],
    "network": examples.WEBHOOK_NETWORK["network"],
    "get_driver.code": examples.DRIVER["driver"],
    "If-Match": '"2"',
    "Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
    "last-event-id": "1233",
    "purpose": "事故核查",
    "x-purpose": "%E4%BA%8B%E6%95%85%E6%A0%B8%E6%9F%A5",
    "limit": 100,
    "after": "1233",
    "from": "2026-11-23T00:00:00Z",
    "to": "2026-11-23T16:00:00+08:00",
    "bbox": "106.2,38.4,106.3,38.5",
    "zoom": 13,
    "lon": 106.23,
    "lat": 38.48,
    "radius_m": 5000,
    "max_age_s": 60,
    "rule": ["speeding"],
    "kind": ["monitoring"],
    "list_zones.kind": ["school"],
    "class": ["coach"],
    "classes": ["hazmat", "coach"],
    "operator": ["银川某客运公司"],
    "division": ["6401"],
    "state": ["open", "closed"],
    "handling": ["open", "assigned"],
    "severity": ["major", "critical"],
    "vehicle": ["宁A12345/yellow"],
    "plate": "宁A12345",
    "q": "12345",
    "status": ["delivered", "exhausted"],
    "role": "dispatcher",
    "active": True,
    "actor": examples.ACCOUNT["id"],
    "action": "session.begin",
    "object": examples.ACCOUNT["id"],
    "credential": "session",
    "credential_id": "ses_5d41402abc4b2a76",
    "window": 1800,
    "listed": 200,
    "margin_s": 300,
    "unmask": False,
    "job": False,
    "get_track.format": "csv",
    "stream_positions.format": "rows",
    "simplify_m": 20,
    "list_rejected.reason": ["RANGE_GEO", "TIME_FORMAT"],
    "key": "13900000021",
    "crs": "wgs84",
}
"""By the parameter's name; where it means something else to one operation, by `operation.name`."""
UNSHOWN = frozenset({"cursor", "before", "end_oidc.code", "end_oidc.state", "end_oidc.iss", "end_oidc.error"})
"""Without an example: what an answer, or the identity provider, gives."""

PERIOD = {"from": "2026-11-23T00:00:00Z", "to": "2026-11-23T04:00:00Z"}
BODIES: dict[str, Any] = {
    "login": {"login": "wang", "password": "a phrase of my own"},
    "change_password": {"old": "a phrase of my own", "new": "another phrase of mine"},
    "begin_totp": {"password": "a phrase of my own"},
    "confirm_totp": {"code": "492039"},
    "end_totp": {"code": "492039"},
    "create_account": {
        "login": "li",
        "name": "李",
        "role": "authority",
        "scope": {"divisions": ["6402"], "classes": ["coach", "charter"]},
    },
    "reset_password": {"revoke_keys": True},
    "change_key": {"networks": ["10.1.2.0/24"], "expires": "2027-06-30T00:00:00Z"},
    "change_account": {"name": "王主任", "role": "supervisor"},
    "create_key": {"name": "sync", "scopes": ["alerts:read"], "networks": ["10.1.0.0/16"]},
    "create_my_key": {"name": "sync", "scopes": ["alerts:read"]},
    "acknowledge_alert": {"text": "已通知驾驶员"},
    "claim_alert": {"text": "我来处理"},
    "assign_alert": {"account": "wang", "text": "请联系企业"},
    "comment_alert": {"text": "驾驶员未接电话"},
    "supervise_alert": {"level": "normal", "due": "2026-11-23T02:00:00Z"},
    "resolve_alert": {"reason": "handled", "text": "已减速"},
    "reopen_alert": {"text": "又超速"},
    "acknowledge_alerts": {"items": [{"id": examples.ALERT["id"], "version": 2}], "text": "同一路段,已通知交警"},
    "search_presence": {"polygon": [[106.2, 38.4], [106.3, 38.4], [106.3, 38.5], [106.2, 38.5]], **PERIOD, "classes": ["hazmat", "coach"]},
    "create_export": {"vehicles": ["7", "宁A12345/yellow"], **PERIOD, "format": "csv"},
    "create_webhook": {
        "url": examples.WEBHOOK["url"],
        "description": "省厅应急平台",
        "types": ["alert.opened", "alert.closed"],
        "filters": {"classes": ["hazmat"], "divisions": ["6401"]},
    },
    "change_webhook": {"types": ["alert.opened"], "filters": {"severities": ["critical"]}},
    "enable_webhook": {"begin": "now"},
    "send_test_event": {"type": "alert.closed"},
    "recover_webhook": {"since": "2026-11-23T00:00:00+08:00", "until": "2026-11-24T00:00:00+08:00"},
    "put_webhook_network": {"note": "公安视频专网"},
}  # fmt: skip
"""By operationId."""


def parameter(operation: str, name: str) -> Any:
    """A parameter's example; None: it has none."""
    if {name, f"{operation}.{name}"} & UNSHOWN:
        return None
    return PARAMETERS.get(f"{operation}.{name}", PARAMETERS.get(name))
