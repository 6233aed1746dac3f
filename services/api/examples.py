"""Examples of answers for OpenAPI; plates and people are invented."""

from typing import Any

ALERT: dict[str, Any] = {
    "id": "alr_5b1f0c9a7e3d2468ace013579b", "version": 2, "rule": "speeding", "rule_version": 1, "kind": "monitoring",
    "vehicle": {"id": 7, "plate": "宁A12345", "plate_color": "yellow", "class": "coach", "operator": "银川某客运公司", "division": "640100"},
    "terminal": "013900000021", "driver": "640100-0001", "began": "2026-11-23T00:15:30Z", "ended": "2026-11-23T00:18:10Z",
    "state": "closed", "severity": "info", "confidence": 0.9, "at": {"lon": 106.23, "lat": 38.48, "time": "2026-11-23T00:16:40Z"},
    "limit": 80.0, "peak": 94.0, "unit": "km/h",
    "why": {"limit_from": "night factor of the class limit", "basis": "实施条例 art. 78", "band": None, "road": "G6 京藏高速", "duration_s": 160},
    "late": False, "handling": "assigned",
    "handled": {"by": {"id": "acc_7f3a9c5e1b2d", "name": "王调度"}, "at": "2026-11-23T00:20:00Z",
                "assignee": {"id": "acc_7f3a9c5e1b2d", "name": "王调度"}, "supervision": "normal", "due": "2026-11-23T02:00:00Z",
                "escalated": None, "reason": None, "jt809_result": 0, "jt809_supervision": 1, "version": 2},
    "sentence": {"zh": "班线客车 宁A12345 在 G6 京藏高速超速:94 km/h,限速 80,持续 2 分 40 秒",
                 "en": "coach 宁A12345 on G6 京藏高速: 94 km/h in an 80 limit for 2 min 40 s"},
}  # fmt: skip
EVENT: dict[str, Any] = {
    "id": "evt_0f1e2d3c4b5a69788796a5b4c3", "seq": 1234, "type": "alert.closed", "time": "2026-11-23T00:19:11.042Z",
    "alert": ALERT["id"], "sequence": 2, "data": ALERT,
}  # fmt: skip
ALERT_PAGE = {"items": [ALERT], "next": None, "feed": 1234}
EVENT_PAGE = {"items": [EVENT], "next": None, "through": 1236, "last": 1236}
REGISTRATION: dict[str, Any] = {
    "class": "coach", "terminal": "13900000021", "operator": "银川某客运公司", "division": "640100", "vin": None, "status": "active",
    "valid_from": None, "valid_to": None, "inspection_due": "2027-03-31", "permit": "640100-K-0042", "permit_to": "2028-06-30",
    "scrapped_on": None, "subtype": None,
}  # fmt: skip
VEHICLE = {"id": 7, "plate": "宁A12345", "plate_color": "yellow", **REGISTRATION}
VEHICLE_DETAIL = {**VEHICLE, "registrations": [REGISTRATION]}
VEHICLE_PAGE = {"items": [VEHICLE], "next": None}
TRACK: dict[str, Any] = {
    "type": "Feature", "geometry": {"type": "LineString", "coordinates": [[106.23, 38.48], [106.2312, 38.4821]]},
    "properties": {"vehicle": 7, "plate": "宁A12345/yellow", "datetimes": ["2026-11-23T00:15:30Z", "2026-11-23T00:15:40Z"], "speeds_kmh": [93.5, 94.0],
                   "recorder_speeds_kmh": [None, 93.2], "headings": [27, 28], "flags": {}},
}  # fmt: skip
POSITION: dict[str, Any] = {
    "vehicle": 7, "plate": "宁A12345", "plate_color": "yellow", "class": "coach", "operator": "银川某客运公司", "division": "640100",
    "time": "2026-11-23T00:15:40Z", "lon": 106.2312, "lat": 38.4821, "speed_kmh": 94.0, "heading": 28, "fixed": True,
}  # fmt: skip
POSITION_PAGE = {"items": [POSITION], "next": None, "truncated": False}
STREAM = 'id: 1234\nevent: alert.closed\ndata: {"id":"evt_0f1e2d3c4b5a69788796a5b4c3","seq":1234,"type":"alert.closed"}\n\n'
POSITION_STREAM = (
    'event: positions\ndata: {"time":"2026-11-23T00:15:41Z","full":true,"items":[],"left":[]}\n\n'
)
META: dict[str, Any] = {
    "version": "0.1.0",
    **{name: [{"code": "major", "zh": "较重", "en": "major"}]
       for name in ("classes", "plate_colors", "rules", "severities", "states", "handlings", "event_types", "resolutions",
                    "supervisions", "zone_kinds", "road_classes")},
    "actions": [{"code": "acknowledge", "zh": "知晓", "en": "acknowledge", "permission": "alerts:ack", "handlings": ["open"]}],
    "roles": [{"code": "partner", "zh": "合作平台", "en": "partner", "permissions": ["alerts:read", "webhooks:manage"]}],
    "kinds": {"speeding": [{"code": "statutory", "zh": "超过法定限速", "en": "above the statutory limit"}]},
    "reasons": [{"code": "NOT_FIXED", "verdict": "flagged", "zh": "未定位", "en": "position not fixed"}],
    "tiles": {"url": "https://tiles.example/{z}/{x}/{y}.png", "credit": "© 某地图"},
}  # fmt: skip

ME: dict[str, Any] = {
    "id": "acc_7f3a9c5e1b2d", "name": "王调度", "role": "dispatcher", "permissions": ["alerts:ack", "alerts:read"],
    "scope": {"divisions": ["6401"], "operators": None, "classes": None}, "credential": "session", "credential_id": "ses_5d41402abc4b2a76",
    "must_change_password": False,
}  # fmt: skip
ACCOUNT: dict[str, Any] = {
    "id": "acc_7f3a9c5e1b2d4f60a1b2", "login": "wang", "name": "王调度", "role": "dispatcher", "active": True,
    "scope": {"divisions": ["6401"], "operators": None, "classes": None}, "password": True, "must_change_password": False, "totp": True,
    "oidc_subject": None, "locked_until": None, "created": "2026-11-23T00:15:30Z", "version": 3,
}  # fmt: skip
KEY: dict[str, Any] = {
    "id": "Ab3dEf7h", "account": ACCOUNT["id"], "name": "sync", "scopes": ["alerts:read"], "networks": ["10.1.0.0/16"],
    "created": "2026-11-23T00:15:30Z", "expires": "2027-11-23T00:15:30Z", "used": None, "revoked": None,
}  # fmt: skip
ACCOUNT_PAGE = {"items": [ACCOUNT], "next": None}
KEY_PAGE = {"items": [KEY], "next": None}
NEW_KEY = {**KEY, "key": "rw_Ab3dEf7h_0000000000000000000000000000000000000000000"}
AUDIT_PAGE: dict[str, Any] = {
    "items": [{
        "seq": 17, "at": "2026-11-23T00:15:30.120Z", "actor": ACCOUNT["id"], "actor_name": "王调度", "action": "session.begin",
        "object": ACCOUNT["id"], "outcome": "ok", "purpose": None, "ip": "10.1.2.3", "request_id": "9f1c2d3e4b5a69788796a5b4c3d2e1f0",
        "credential": "session", "credential_id": "ses_5d41402abc4b2a76", "detail": {},
        "row_hash": "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592",
    }],
    "next": None,
}  # fmt: skip

ACTION_PAGE: dict[str, Any] = {
    "items": [{"version": 2, "seq": 1235, "at": "2026-11-23T00:20:00Z", "by": {"id": "acc_7f3a9c5e1b2d", "name": "王调度"}, "action": "claim",
               "data": {"from": "open", "to": "assigned"}}],
    "next": None,
}  # fmt: skip
GROUP_LIST: dict[str, Any] = {
    "items": [{"id": "grp_0a1b2c3d4e5f60718293a4b5c6", "basis": "place", "rule": "speeding", "kind": "monitoring", "operator": None,
               "place": "G6 京藏高速", "count": 3, "storm": True, "handlings": {"acknowledged": 1, "open": 2}, "severity": "major",
               "first_began": "2026-11-23T00:15:30Z", "last_began": "2026-11-23T00:31:02Z",
               "items": [{"id": ALERT["id"], "version": 2}], "truncated": False}],
    "alerts": 3, "left_out": 0,
}  # fmt: skip
ACKNOWLEDGED: dict[str, Any] = {
    "items": [{"id": ALERT["id"], "version": 3, "problem": None},
              {"id": "alr_0", "version": None, "problem": {"type": "urn:roadwatch:problem:alert-not-found", "title": "No such alert", "status": 404,
                                                          "detail": "There is no alert alr_0."}}],
    "done": 1, "refused": 1,
}  # fmt: skip
SHIFT_SUMMARY: dict[str, Any] = {
    "from": "2026-11-23T00:00:00Z", "to": "2026-11-23T08:00:00Z", "as_of": "2026-11-23T08:01:10.500Z", "began": 41,
    "open": {"alerts": 3, "handlings": {"open": 1, "acknowledged": 1, "assigned": 1},
             "severities": {"info": 0, "minor": 2, "major": 1, "critical": 0}, "overdue": 1},
    "done": {"total": 2, "actions": {"acknowledge": 1, "resolve": 1}, "resolutions": {"handled": 1},
             "by": [{"id": "acc_7f3a9c5e1b2d", "name": "王调度", "total": 2, "actions": {"acknowledge": 1, "resolve": 1}}]},
}  # fmt: skip
PRESENCE: dict[str, Any] = {
    "items": [{"vehicle": 7, "plate": "宁A12345", "plate_color": "yellow", "class": "coach", "operator": "银川某客运公司", "division": "640100",
               "first": "2026-11-23T00:15:30Z", "last": "2026-11-23T00:17:10Z", "fixes": 11, "between_fixes": False}],
    "next": None, "total": 1, "truncated": False,
}  # fmt: skip
NEAR: dict[str, Any] = {
    "items": [{**POSITION, "class": "hazmat", "distance_m": 840, "bearing": 213, "subtype": "W2", "hazmat": True, "age_s": 4.2}],
    "next": None, "total": 1, "truncated": False,
}  # fmt: skip
JOB: dict[str, Any] = {
    "id": "job_0f1e2d3c4b5a69788796a5b4c3d2e1f0", "kind": "export", "state": "done", "progress": 1.0, "created": "2026-11-23T01:00:00Z",
    "done": "2026-11-23T01:00:04.120Z", "error": None, "bytes": 48213, "result": "/v1/jobs/job_0f1e2d3c4b5a69788796a5b4c3d2e1f0/result",
    "request": {"vehicles": ["7"], "from": "2026-11-22T00:00:00Z", "to": "2026-11-23T00:00:00Z", "format": "csv"},
}  # fmt: skip
GAP: dict[str, Any] = {
    "began": "2026-11-23T02:40:00Z", "ended": "2026-11-23T03:25:10Z", "displacement_km": 31.2, "odometer_km": 33.8,
}  # fmt: skip
TRIPS: dict[str, Any] = {
    "items": [{"began": "2026-11-22T23:50:10Z", "ended": "2026-11-23T02:40:00Z", "open": False, "cut": False, "from": [106.23, 38.48],
               "to": [105.19, 37.51], "distance_km": 173.4, "distance_source": "odometer", "odometer_doubts": [], "max_speed_kmh": 98.5, "fixes": 1019}],
    "next": None, "gaps": [GAP],
}  # fmt: skip
STOPS: dict[str, Any] = {
    "items": [{"began": "2026-11-23T03:25:10Z", "ended": "2026-11-23T04:02:30Z", "open": False, "cut": False, "place": [105.19, 37.51],
               "duration_s": 2240, "fixes": 224}],
    "next": None, "gaps": [GAP],
}  # fmt: skip
KILOMETRES = {"distance_km": 207.2, "odometer_km": 207.2, "positions_km": 0.0, "gaps_km": 33.8}
MILEAGE: dict[str, Any] = {
    **KILOMETRES, "by_positions_km": 201.9, "source": "odometer", "odometer_doubts": [], "fixes": 2102, "days": [{"day": "2026-11-23", **KILOMETRES}], "gaps": [GAP],
}  # fmt: skip
TERMINAL_HEALTH: dict[str, Any] = {
    "from": "2026-11-22T00:20:00Z", "to": "2026-11-23T00:20:00Z", "reports": 2880, "backfilled": 12, "truncated": False,
    "last": {"taken": "2026-11-22T16:19:30Z", "received": "2026-11-23T00:19:31.204Z"}, "clock": "behind", "clock_offset_s": 28_801.2,
    "clock_spread_s": 2.4, "interval_s": 30.0, "speed": "told", "share_without_speed": 0.0021, "share_flagged": 0.013, "share_frozen": 0.0,
    "satellites": 14.0,
}  # fmt: skip
DRIVER: dict[str, Any] = {
    "driver": "640100-0001", "name": "王*", "operator": "银川某客运公司", "licence_class": "A1", "qualified_for": "coach",
    "valid_to": "2028-06-30", "phone": "138****5678", "masked": True,
}  # fmt: skip

WEBHOOK: dict[str, Any] = {
    "id": "whe_3c9d1e5f7a2b", "url": "https://receiver.example.com/roadwatch", "description": "省厅应急平台", "types": ["alert.opened", "alert.closed"],
    "filters": {"rules": [], "kinds": [], "classes": ["hazmat"], "operators": [], "divisions": ["6401"], "severities": ["major", "critical"]},
    "algorithm": "hmac-sha256", "secrets": [{"created": "2026-11-23T00:00:00Z", "until": None, "public_key": None}], "state": "active", "reason": None,
    "failures": 0, "failing_since": None, "resume_at": None, "after": 1234, "numbered": 87, "version": 3, "created": "2026-11-23T00:00:00Z",
}  # fmt: skip
RECOVERY: dict[str, Any] = {
    **JOB, "id": "job_5d1c7b9e3f20a4b5c6d7e8f90a1b2c3d", "kind": "webhook.recover", "bytes": None, "result": None,
    "request": {"endpoint": WEBHOOK["id"], "since_ms": 1_795_363_200_000, "until_ms": 1_795_449_600_000, "delivered": False, "after": 1234},
}  # fmt: skip
NEW_WEBHOOK = {
    **WEBHOOK,
    "state": "pending",
    "version": 0,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
DELIVERY: dict[str, Any] = {
    "id": "msg_0f1e2d3c4b5a69788796a5b4c3", "webhook": WEBHOOK["id"], "type": "alert.opened", "event": "evt_0f1e2d3c4b5a69788796a5b4c3", "seq": 1234,
    "number": 87, "alert": ALERT["id"], "test": False, "status": "delivered", "attempts": 1, "next_attempt": None, "created": "2026-11-23T00:19:11.100Z",
    "ended": "2026-11-23T00:19:11.180Z",
}  # fmt: skip
PAYLOAD: dict[str, Any] = {
    "type": "alert.opened", "timestamp": "2026-11-23T00:19:11.042Z",
    "data": {
        "id": "evt_0f1e2d3c4b5a69788796a5b4c3", "seq": 1234, "alert": ALERT["id"], "sequence": 1,
        **{name: ALERT[name] for name in ("rule", "rule_version", "kind", "severity", "state", "handling", "began", "ended", "at", "limit", "peak",
                                          "unit", "confidence", "late", "vehicle")},
    },
}  # fmt: skip
DELIVERY_DETAIL: dict[str, Any] = {
    **DELIVERY, "body": PAYLOAD,
    "tries": [{"number": 1, "at": "2026-11-23T00:19:11.150Z", "milliseconds": 30, "status": 204, "error": None, "response": ""}],
}  # fmt: skip
WEBHOOK_NETWORK = {"network": "10.64.0.0/16", "note": "公安视频专网", "created": "2026-11-23T00:00:00Z"}

ROADS: dict[str, Any] = {
    "type": "FeatureCollection", "truncated": False,
    "features": [{
        "type": "Feature", "geometry": {"type": "LineString", "coordinates": [[106.231, 38.487], [106.24, 38.51]]},
        "properties": {"id": 12, "class": "expressway", "name": "京藏高速", "ref": "G6", "limit_kmh": 120.0, "night_limit_kmh": None,
                       "class_limits_kmh": {"freight": 90.0}, "oneway": False, "tunnel": False, "bridge": False},
    }],
}  # fmt: skip
ZONES: dict[str, Any] = {
    "type": "FeatureCollection", "truncated": False,
    "features": [{
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[[106.23, 38.48], [106.24, 38.48], [106.24, 38.49], [106.23, 38.48]]]},
        "properties": {"zone": "S-1", "name": "实验小学", "kind": "school", "drawn": "area", "buffer_m": 0.0, "classes": [], "limit_kmh": 30.0,
                       "hours": [["07:00", "08:30"]], "days": ["Mo", "Tu", "We", "Th", "Fr"], "dates": [["2026-09-01", "2027-01-15"]],
                       "except_dates": [["2026-10-01", "2026-10-07"]], "from": None, "to": None, "reason": None},
    }],
}  # fmt: skip
ROUTE_LINE = {"type": "LineString", "coordinates": [[106.231, 38.487], [106.24, 38.51]]}
ROUTE_HEAD: dict[str, Any] = {
    "route": "R-1",
    "name": "银川-固原",
    "length_m": 337_412,
    "half_width_m": [100.0, 300.0],
}
ROUTES: dict[str, Any] = {
    "type": "FeatureCollection", "truncated": False,
    "features": [{"type": "Feature", "geometry": ROUTE_LINE, "properties": {**ROUTE_HEAD, "stops": 2}}],
}  # fmt: skip
ROUTE: dict[str, Any] = {
    "type": "Feature", "geometry": ROUTE_LINE,
    "properties": {
        **ROUTE_HEAD, "leg_half_widths_m": [100.0],
        "stops": [{"name": "银川汽车站", "lon": 106.231, "lat": 38.487, "radius_m": 50.0}],
        "corridor": {"type": "Polygon", "coordinates": [[[106.23, 38.487], [106.241, 38.51], [106.24, 38.511], [106.23, 38.487]]]},
    },
}  # fmt: skip

RULES: dict[str, Any] = {
    "items": [{
        "rule": "speeding", "zh": "超速", "en": "speeding",
        **{name: {"zh": "车速超过限速……", "en": "A vehicle faster than the limit in force …"} for name in ("flags", "basis", "course", "ignores")},
        "kinds": [{"code": "statutory", "zh": "超过法定限速", "en": "above the statutory limit"}],
        "parameters": [{"name": "min_duration_s", "zh": "须持续超过的时长", "en": "a burst must be longer", "shape": "number", "unit": "s", "low": 0.0,
                        "high": 600.0, "source": "official form, note 2", "default": 30, "value": 20, "set": 2, "from": "2026-10-01T00:00:00Z",
                        "to": None}],
    }],
    "sets": [{"version": 2, "parameters": {"speeding": {"min_duration_s": 20}}, "from": "2026-10-01T00:00:00Z", "to": None,
              "basis": "2026 年国庆专项", "created": "2026-09-28T02:00:00Z", "state": "in_force"}],
    "registry": 12, "imported": 12,
}  # fmt: skip

ALERT_TRACK: dict[str, Any] = {
    "alert": ALERT["id"], "vehicle": 7, "rule": "speeding", "from": "2026-11-23T00:10:30Z", "to": "2026-11-23T00:23:10Z", "began": ALERT["began"],
    "ended": ALERT["ended"], "limit": 80.0, "unit": "km/h", "stride": 1, "truncated": False,
    "times": ["2026-11-23T00:15:20Z", "2026-11-23T00:15:30Z"], "coordinates": [[106.23, 38.48], [106.2312, 38.4821]], "speeds_kmh": [79.5, 94.0],
    "recorder_speeds_kmh": [None, 93.2], "headings": [27, 28], "flags": [[], []], "in_episode": [False, True], "limits_kmh": [None, 80.0],
    "off_route_m": None,
}  # fmt: skip

SYSTEM: dict[str, Any] = {
    "time": "2026-11-23T00:20:00Z", "watched_since": "2026-11-23T00:00:05Z", "kafka": "ok",
    "services": [{"service": "ingest", "topic": "gps.raw", "lag": 12, "rate": 640.2, "partitions": [
        {"partition": 0, "position": 1_204_511, "end": 1_204_523, "lag": 12, "rate": 640.2, "owner": "host:4711", "claimed": "2026-11-23T00:00:01Z"}]}],
    "reports": {"minute": {"over_s": 60.0, "accepted": 38_000, "flagged": 400, "quarantined": 10, "rejected": 2, "reasons": [
        {"code": "SYNTAX", "verdict": "rejected", "zh": "不是有效的 JSON", "en": "not JSON", "count": 2}]}, "hour": None},
    "guard": {"state": "quiet", "since": None, "reports": 0, "kept_out": 0, "reasons": []},
    "operators": [{"operator": "银川某客运公司", "vehicles": 42, "last": "2026-11-23T00:19:58Z"}],
    "streams": 7, "feed": 1234, "webhooks": {"waiting": 0, "oldest_s": None}, "jobs": {"waiting": 0, "running": 1}, "database_bytes": 2_147_483_648,
}  # fmt: skip

REJECTED_PAGE: dict[str, Any] = {
    "items": [{
        "id": "2-1041", "time": "2026-11-23T00:15:31.204Z", "reason": {"code": "SYNTAX", "verdict": "rejected", "zh": "不是有效的 JSON", "en": "not JSON"},
        "source": {"topic": "gps.raw", "partition": 2, "offset": 1_204_511}, "key": "013900000021", "content_type": None, "bytes": 8,
        "base64": "eyJ0ZXJtaW4=", "text": '{"termin',
    }],
    "next": "WzEwNDEsMF0", "scanned": 1, "stopped": None,
}  # fmt: skip

OF_OPERATION: dict[str, Any] = {
    "list_alerts": ALERT_PAGE,
    "get_alert": ALERT,
    "stream_alerts": STREAM,
    "list_events": EVENT_PAGE,
    "list_vehicles": VEHICLE_PAGE,
    "get_vehicle": VEHICLE_DETAIL,
    "get_track": TRACK,
    "list_positions": POSITION_PAGE,
    "stream_positions": POSITION_STREAM,
    "get_meta": META,
    "login": ME,
    "get_me": ME,
    "list_accounts": ACCOUNT_PAGE,
    "create_account": {**ACCOUNT, "must_change_password": True, "first_password": "kTq3v9Zr0sXw1bYpA1"},
    "get_account": ACCOUNT,
    "change_account": ACCOUNT,
    "reset_password": {
        "id": ACCOUNT["id"],
        "login": "wang",
        "first_password": "kTq3v9Zr0sXw1bYpA1",
        "keys_revoked": 0,
    },
    "unlock_account": ACCOUNT,
    "list_keys": KEY_PAGE,
    "create_key": NEW_KEY,
    "change_key": KEY,
    "list_my_keys": KEY_PAGE,
    "list_providers": {"items": [{"name": "oidc", "url": "/v1/session/oidc"}]},
    "get_key": KEY,
    "get_my_key": KEY,
    "create_my_key": NEW_KEY,
    "begin_totp": {
        "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "uri": "otpauth://totp/Roadwatch%3Awang?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Roadwatch",
        "minutes": 10,
    },
    "list_audit": AUDIT_PAGE,
    **dict.fromkeys(
        (
            "acknowledge_alert",
            "claim_alert",
            "assign_alert",
            "comment_alert",
            "supervise_alert",
            "resolve_alert",
            "reopen_alert",
        ),
        ALERT,
    ),
    "list_actions": ACTION_PAGE,
    "list_alert_groups": GROUP_LIST,
    "acknowledge_alerts": ACKNOWLEDGED,
    "get_shift_summary": SHIFT_SUMMARY,
    "view_alert": {
        "others": [{"id": "acc_5f2c", "name": "李调度", "since": "2026-11-23T00:15:31Z"}],
        "lasts_s": 15,
    },
    "list_trips": TRIPS,
    "list_stops": STOPS,
    "get_mileage": MILEAGE,
    "get_vehicle_health": TERMINAL_HEALTH,
    "search_presence": PRESENCE,
    "search_near": NEAR,
    "create_export": JOB,
    "list_jobs": {"items": [JOB], "next": None},
    "get_job": JOB,
    "get_job_result": PRESENCE,
    "cancel_job": JOB,
    "list_drivers": {"items": [DRIVER], "next": None},
    "get_driver": DRIVER,
    "list_webhooks": {"items": [WEBHOOK], "next": None},
    "create_webhook": NEW_WEBHOOK,
    "get_webhook": WEBHOOK,
    "change_webhook": WEBHOOK,
    "rotate_webhook_secret": NEW_WEBHOOK,
    "ping_webhook": {"delivery": DELIVERY["id"]},
    "send_test_event": {"delivery": DELIVERY["id"]},
    "enable_webhook": {"delivery": DELIVERY["id"]},
    "disable_webhook": {**WEBHOOK, "state": "paused"},
    "recover_webhook": {"job": RECOVERY["id"]},
    "list_recoveries": {"items": [RECOVERY], "next": None},
    "list_deliveries": {"items": [DELIVERY], "next": None},
    "get_delivery": DELIVERY_DETAIL,
    "redeliver": {"delivery": DELIVERY["id"]},
    "list_webhook_event_types": {
        "items": [
            {
                "type": "alert.opened",
                "zh": "新告警",
                "en": "opened",
                "schema": {"type": "object"},
                "example": PAYLOAD,
            }
        ]
    },
    "list_webhook_networks": {"items": [WEBHOOK_NETWORK], "next": None},
    "put_webhook_network": WEBHOOK_NETWORK,
    "get_alert_track": ALERT_TRACK,
    "get_system": SYSTEM,
    "list_rejected": REJECTED_PAGE,
    "list_rules": RULES,
    "list_roads": ROADS,
    "list_zones": ZONES,
    "list_routes": ROUTES,
    "get_route": ROUTE,
}
"""What each operation answers with, by its operationId; written into the document last, since FastAPI drops every null on its way."""
