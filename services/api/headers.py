"""The headers of the api's answers, once: what each means, and which answers carry it; `tests/api/test_headers.py` holds the api against it.

What HTTP itself asks of every answer (`Date`, `Content-Type`, `Content-Length`, `Transfer-Encoding`) is not repeated here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.api.idempotency import LOOKS
from services.api.problems import MEDIA_TYPE


@dataclass(frozen=True, slots=True)
class Header:
    """A header: what it says, of what type, for example."""

    description: str
    example: str | int
    type: str = "string"

    def shown(self) -> dict[str, Any]:
        """For OpenAPI."""
        return {
            "description": self.description,
            "schema": {"type": self.type},
            "example": self.example,
        }


HEADERS = {
    "ETag": Header("版本,修改时以 If-Match、重读时以 If-None-Match 给出 · the version, for If-Match and If-None-Match", '"3"'),
    "Retry-After": Header("请在此秒数之后重试 · come back in so many seconds", 2, "integer"),
    "RateLimit": Header("剩余次数 r,全部恢复还需 t 秒 · r requests are left, all again in t seconds", '"default";r=2999;t=1'),
    "RateLimit-Policy": Header("w 秒内至多 q 次 · at most q requests in w seconds", '"default";q=3000;w=60'),
    "Location": Header("所建或所受理之物的地址 · where to find what was made or taken on", "/v1/jobs/job_4f1c"),
    "Link": Header('下一页(rel="next")· the next page', '</v1/alerts?cursor=eyJ>; rel="next"'),
    "Idempotency-Expires": Header("此 Idempotency-Key 的结果保留至 · until when the answer is kept under its key", "2026-11-24T00:20:00Z"),
    "Idempotency-Replayed": Header("true: 先前结果的重放 · true: told again, not done again", "true"),
    "Content-Disposition": Header("保存时的文件名 · a name to save it under", 'attachment; filename="track-7-20261123T000000Z.csv"'),
    "X-Roadwatch-Simplified-M": Header("简化容差(米)· tolerance of the simplification in metres", "10"),
    "Set-Cookie": Header("会话 · the session", "roadwatch_session=…; HttpOnly; SameSite=Strict; Path=/"),
    "X-Accel-Buffering": Header("请代理勿缓冲 · asks proxies not to hold the stream back", "no"),
    "WWW-Authenticate": Header("应出示何种凭据 · what to sign in with", 'Bearer realm="roadwatch"'),
    "Accept": Header("所接受的内容类型 · the content type that is taken", "application/json"),
    "Accept-Encoding": Header("所接受的内容编码 · the content coding that is taken", "identity"),
    "Allow": Header("此路径可用的方法 · the methods that the path answers", "GET, HEAD"),
    "Content-Language": Header("title 与 detail 的语言 · language of title and detail", "zh-CN"),
    "X-Request-Id": Header("请求编号,可由请求自带 · the request's id; a request may bring its own", "9f1c2d3e4b5a69788796a5b4c3d2e1f0"),
    "Cache-Control": Header("可否缓存 · who may keep it", "no-store"),
    "Vary": Header("应答随哪些请求头而异 · the request headers that the answer depends on", "Accept-Encoding"),
    "Content-Encoding": Header("压缩方式 · how it is compressed", "gzip"),
    "X-Content-Type-Options": Header("勿猜测类型 · asks browsers not to guess the type", "nosniff"),
    "Referrer-Policy": Header("勿外泄地址 · asks browsers to keep addresses to themselves", "no-referrer"),
    "Content-Security-Policy": Header("浏览器可执行何物 · what a browser may load and run", "default-src 'none'; frame-ancestors 'none'"),
}  # fmt: skip
EVERYWHERE = (
    "X-Request-Id", "Cache-Control", "Vary", "Content-Encoding", "X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy",
)  # fmt: skip
"""Told once, in `x-headers-of-every-answer`: any answer may carry them."""
COUNTED = ("RateLimit", "RateLimit-Policy")
VERSIONED = frozenset(
    {
        "get_alert", "acknowledge_alert", "claim_alert", "assign_alert", "comment_alert", "supervise_alert", "resolve_alert", "reopen_alert",
        "create_account", "get_account", "change_account", "unlock_account",
        "create_webhook", "get_webhook", "change_webhook", "rotate_webhook_secret", "disable_webhook",
        "get_vehicle", "list_roads", "list_zones", "list_routes", "get_route",
    }
)  # fmt: skip
"""Operations whose answer has an ETag."""
MORE = {
    "list_alerts": ("Link",),
    "list_vehicles": ("Link",),
    "get_track": ("Content-Disposition", "X-Roadwatch-Simplified-M"),
    "get_job_result": ("Content-Disposition",),
    "login": ("Set-Cookie",),
    "logout": ("Set-Cookie",),
    "begin_oidc": ("Set-Cookie",),
    "end_oidc": ("Set-Cookie",),
    "stream_alerts": ("X-Accel-Buffering",),
    "stream_positions": ("X-Accel-Buffering",),
}
"""Operation id to what else its answer carries when it is done."""
OF_STATUS = {
    401: ("WWW-Authenticate",),
    415: ("Accept", "Accept-Encoding"),
    503: ("Retry-After",),
}
OF_PROBLEM = {
    "quota-exceeded": ("Retry-After",),
    "too-many-tests": ("Retry-After",),
    "idempotency-running": ("Retry-After",),
    "wrong-handling": ("ETag",),
    "changed-meanwhile": ("ETag",),
    "wrong-version": ("ETag",),
    "webhook-changed": ("ETag",),
    "account-changed": ("ETag",),
}


def names_of(operation: dict[str, Any], status: int, codes: set[str]) -> Iterator[str]:
    """The headers of an operation's answer with this status; `codes` are the problems it may be."""
    name = operation["operationId"]
    if name not in {"healthz", "readyz", "list_providers"}:
        yield from COUNTED
    if codes:
        yield "Content-Language"
        yield from OF_STATUS.get(status, ())
        for code in sorted(codes):
            yield from OF_PROBLEM.get(code, ())
        return
    if status in (201, 202, 303):
        yield "Location"
    if name in VERSIONED:
        yield "ETag"
    takes_key = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
    if takes_key and not (name in LOOKS and status == 200):
        yield from ("Idempotency-Expires", "Idempotency-Replayed")
    yield from MORE.get(name, ())


def document(described: dict[str, Any]) -> None:
    """Name the headers of every answer of an OpenAPI document."""
    described["components"]["headers"] = {name: header.shown() for name, header in HEADERS.items()}
    described["x-headers-of-every-answer"] = {name: _reference(name) for name in EVERYWHERE}
    for operation in (operation for item in described["paths"].values() for operation in item.values()):
        for status, answer in operation["responses"].items():
            codes = set(answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", ()))
            names = dict.fromkeys(names_of(operation, int(status), codes))
            if names:
                answer["headers"] = {name: _reference(name) for name in names}


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
