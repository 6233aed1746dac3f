"""Every error the api answers with, once: RFC 9457 problems in Chinese and English; the table is the documentation.

A problem's `type` is what programs compare; title and detail are for people and follow `Accept-Language`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.responses import Response

from services.api.language import CONTENT_LANGUAGE, Language

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:roadwatch:problem:"
REGISTERED = {"quota-exceeded": "https://iana.org/assignments/http-problem-types#quota-exceeded"}
"""Types that have a name of their own in IANA's registry (draft-ietf-httpapi-ratelimit-headers)."""
RETRY_AFTER_S = 2
CHALLENGE = 'Bearer realm="roadwatch"'
"""What a 401 says to try (RFC 9110, 11.6.1)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A problem's name, HTTP status, and its title and detail in both languages; `{words}` are filled in."""

    code: str
    status: int
    zh: str
    en: str
    detail_zh: str
    detail_en: str


KINDS = (
    Kind("invalid-parameter", 400, "参数无效", "Invalid parameter", "请按 errors 修正参数。", "Correct the parameters named in errors."),
    Kind("unknown-parameter", 400, "未知参数", "Unknown parameter", "没有参数 {names}。此操作的参数应为其中之一: {known_zh}。",
         "There is no parameter {names} here; the parameters of this operation: {known_en}."),
    Kind("invalid-cursor", 400, "游标无效", "Invalid cursor", "游标被改动、已失效或不是本接口给出的,请从第一页重新开始。",
         "The cursor was changed, is no longer valid or is not one of this path; begin with the first page."),
    Kind("cursor-mismatch", 400, "游标与条件不符", "Cursor of other conditions", "游标属于另一组查询条件,翻页时请保持其它参数不变。",
         "The cursor belongs to other conditions; keep the other parameters as they were while paging."),
    Kind("beyond-feed", 400, "序号超出事件流", "Beyond the end of the feed", "序号 {after} 大于最新事件 {last}。数据库可能已恢复到较早的状态,请重新读取第一页。",
         "Number {after} is beyond the latest event {last}; the database may have been restored: read a first page anew."),
    Kind("period-too-long", 400, "时间范围过长", "Period too long", "时间范围不得超过 {days} 天,请分段查询。", "The period must not exceed {days} days; ask for it in parts."),
    Kind("purpose-required", 400, "须填写查询事由", "Purpose required", "查看轨迹、人员、拒收报文与检索须说明事由: 加参数 purpose=(2–200 字)或 X-Purpose 头,将记入审计。",
         "Tracks, drivers, reports kept out and searches ask why you look: add purpose= (2 to 200 characters) or the header X-Purpose; it is written to the audit."),
    Kind("search-too-large", 400, "检索范围过大", "Search too large", "即时检索不得超过 {hours} 小时、{km2} 平方公里;更大的请加 job=true 作为任务提交。",
         "Searched at once are at most {hours} hours and {km2} square kilometres; ask for more as a job with job=true."),
    Kind("area-invalid", 400, "区域无效", "Area invalid", "区域应为不自交的多边形,或带 buffer_m 的折线,面积不超过 {km2} 平方公里。",
         "The area must be a polygon that does not cross itself, or a line with buffer_m, of at most {km2} square kilometres."),
    Kind("invalid-body", 400, "请求内容无效", "Invalid body", "请按 errors 修正请求内容。", "Correct what errors names in the body."),
    Kind("unauthorized", 401, "令牌无效", "Wrong token", "Authorization 头中的令牌或密钥不正确、已过期或已停用,请换用有效的;系统令牌在 <data>/token 中。",
         "The token or key in the Authorization header is wrong, expired or revoked: use a live one; the system's own token is in <data>/token."),
    Kind("login-required", 401, "请先登录", "Sign in first", "未登录或会话已结束。请以 POST /v1/session 登录,或在 Authorization 头中给出密钥。",
         "Not signed in, or the session is over: POST /v1/session, or give a key in the Authorization header."),
    Kind("wrong-credentials", 401, "登录名、密码或验证码不正确", "Wrong login, password or code", "登录名、密码或验证码不正确,请重试;连续 5 次错误后该登录名锁定 15 分钟。",
         "Login, password or code is wrong; try again, but five wrong tries in a row lock the login for 15 minutes."),
    Kind("code-required", 401, "需要一次性验证码", "One-time code required", "此账号启用了一次性验证码,请在 code 中给出 6 位数字。",
         "This account uses one-time codes; give the six digits as code."),
    Kind("locked", 401, "登录名已锁定", "Login locked", "连续输错,此登录名锁定 {minutes} 分钟;急用请联系安全管理员。",
         "Too many wrong tries; this login is locked for {minutes} minutes. A security administrator can unlock it."),
    Kind("forbidden", 403, "无此权限", "Not permitted", "此操作需要权限 {permission},当前账号或密钥没有;请安全管理员授予。",
         "This needs the permission {permission}, which this account or key lacks; a security administrator can give it."),
    Kind("scope-too-narrow", 403, "数据范围不足", "Scope too narrow", "拒收的报文不属于任何区划或企业,只接受数据范围为全部的账号查看;请安全管理员调整。",
         "What was kept out belongs to no division or operator, so only an account whose scope is everything may read it; a security administrator can widen the scope."),
    Kind("password-change-required", 403, "须先修改密码", "Change the password first", "首次登录须先修改密码: PUT /v1/me/password。",
         "The first password must be changed before anything else: PUT /v1/me/password."),
    Kind("cross-site", 403, "跨站请求被拒绝", "Cross-site request refused", "浏览器会话只接受本站页面发出的修改请求;程序请改用密钥。",
         "With a browser's session, changes are accepted from this site's own pages only; programs use a key."),
    Kind("no-password", 403, "非密码登录", "Not signed in by password", "密钥或令牌不能修改密码,请先登录。", "A key or token has no password; sign in first."),
    Kind("foreign-host", 403, "主机名不被接受", "Host not accepted", "本机服务只接受以本机地址(127.0.0.1、localhost)访问的页面与登录。",
         "This machine's pages and sign-in must be asked for as 127.0.0.1 or localhost."),
    Kind("not-found", 404, "没有此资源", "Not found", "没有 {path}。接口列表请见 /docs。", "There is no {path}; /docs lists the paths there are."),
    Kind("alert-not-found", 404, "没有此告警", "No such alert", "没有编号为 {id} 的告警。请核对编号;不在您数据范围内的也视为不存在。", "There is no alert {id}. Check the id; what is out of your scope does not exist for you."),
    Kind("vehicle-not-found", 404, "没有此车辆", "No such vehicle", "没有编号为 {id} 的车辆。请核对编号;不在您数据范围内的也视为不存在。", "There is no vehicle {id}. Check the id; what is out of your scope does not exist for you."),
    Kind("route-not-found", 404, "没有此路线", "No such route", "没有编号为 {id} 的路线。请核对编号;不在您数据范围内的也视为不存在。", "There is no route {id}. Check the id; what is out of your scope does not exist for you."),
    Kind("driver-not-found", 404, "没有此驾驶员", "No such driver", "没有编号为 {id} 的驾驶员。请核对编号;不在您数据范围内的也视为不存在。", "There is no driver {id}. Check the id; what is out of your scope does not exist for you."),
    Kind("job-not-found", 404, "没有此任务", "No such job", "没有编号为 {id} 的任务;结果保留 7 天。现有的请见 GET /v1/jobs。", "There is no job {id}; results are kept for 7 days. GET /v1/jobs lists those there are."),
    Kind("no-result", 404, "任务没有结果", "This job has no result", "任务 {id}({kind})不产生可取的结果;进度请见 GET /v1/jobs/{id}。",
         "A job of the kind {kind}, as {id} is, leaves nothing to fetch; GET /v1/jobs/{id} tells how far it is."),
    Kind("webhook-not-found", 404, "没有此推送端点", "No such webhook endpoint", "没有编号为 {id} 的推送端点。现有的请见 GET /v1/webhooks/endpoints。", "There is no webhook endpoint {id}. GET /v1/webhooks/endpoints lists those there are."),
    Kind("delivery-not-found", 404, "没有此推送", "No such delivery", "没有编号为 {id} 的推送;记录保留 30 天。现有的请见其端点的 /deliveries。",
         "There is no delivery {id}; the log goes back 30 days. The /deliveries of its endpoint list those there are."),
    Kind("network-not-found", 404, "网段不在白名单中", "Network not on the allow-list", "白名单中没有 {id}。现有的请见 GET /v1/webhooks/networks。", "{id} is not on the allow-list. GET /v1/webhooks/networks lists those there are."),
    Kind("too-many-webhooks", 409, "推送端点过多", "Too many webhook endpoints", "每个账号至多 {most} 个推送端点,请先删除不用的。",
         "An account may have {most} webhook endpoints; delete one first."),
    Kind("delivery-under-way", 409, "推送尚未结束", "Delivery still under way", "此推送仍在等待或重试,请待其结束后再重发。",
         "This delivery is still waiting or being retried; it can be sent again once that has ended."),
    Kind("webhook-changed", 412, "推送端点已被修改", "Webhook endpoint changed meanwhile", "端点现为版本 {version},与 If-Match 不符;请重新读取后再改。",
         "The endpoint is at version {version} by now, not what If-Match says; read it again, then change it."),
    Kind("method-not-allowed", 405, "方法不允许", "Method not allowed", "此路径不支持 {method},可用的方法请见 Allow 头。", "This path does not answer {method}; the header Allow names what it does."),
    Kind("oidc-refused", 401, "统一身份登录失败", "Sign-in at the identity provider failed", "身份提供方的答复未被接受或已过期,请重新登录;反复出现时请查看服务日志。",
         "What the identity provider sent was not accepted, or came too late; sign in again. The log says why."),
    Kind("unknown-subject", 403, "尚未开通", "No account here", "统一身份 {subject} 在此没有有效账号,请安全管理员把它填入账号的 oidc_subject。",
         "{subject} of the identity provider has no active account here; a security administrator must set it as an account's oidc_subject."),
    Kind("oidc-off", 404, "未启用统一身份登录", "No identity provider", "未配置统一身份登录,请用登录名与密码登录。",
         "No identity provider is set up; sign in with login and password."),
    Kind("provider-away", 503, "统一身份服务不可用", "Identity provider away", "统一身份服务没有应答,请稍后重试,或用登录名与密码登录。",
         "The identity provider does not answer; try again shortly, or sign in with login and password."),
    Kind("session-required", 403, "须以密码登录后操作", "Only in a session", "密钥或系统令牌不能做此操作,请先登录。",
         "Neither a key nor the system's token may do this; sign in first."),
    Kind("keys-by-owner", 403, "密钥由本人创建", "Keys are made by their owner", "只能为合作方(partner)账号代建密钥;其他账号请本人登录后自行创建(POST /v1/me/keys)。",
         "You can make a key for an account of role partner only; everybody else signs in and makes their own: POST /v1/me/keys."),
    Kind("another-administrator", 403, "不能代其他管理员登录", "Another administrator", "其他管理员的密码与登录方式不能在此更改,请在服务器上执行 roadwatch admin reset。",
         "How another administrator signs in is not changed here; on the machine itself: roadwatch admin reset."),
    Kind("own-account", 403, "不能更改自己的权限", "Not one's own account", "任何人不得更改自己的角色、数据范围或停用自己,请由另一名安全管理员操作。",
         "Nobody changes their own role, scope or standing, or resets their own password; another security administrator must do it."),
    Kind("account-not-found", 404, "没有此账号", "No such account", "没有账号 {id}。现有的请见 GET /v1/accounts。", "There is no account {id}. GET /v1/accounts lists those there are."),
    Kind("key-not-found", 404, "没有此密钥", "No such key", "没有有效的密钥 {id}。现有的请见 GET /v1/me/keys。", "There is no live key {id}. GET /v1/me/keys lists those there are."),
    Kind("login-taken", 409, "登录名已被使用", "Login taken", "登录名 {login} 已属于另一账号,请换一个。", "The login {login} is another account's; choose another one."),
    Kind("subject-taken", 409, "统一身份已被关联", "Subject taken", "统一身份 {subject} 已关联另一账号,请先解除那个关联。",
         "Another account is linked to {subject} at the identity provider; take the link from that account first."),
    Kind("two-keys-live", 409, "同名密钥已有两个", "Two keys of this name are live", "名为 {name} 的有效密钥已有两个,请先停用旧的。",
         "Two keys named {name} are live, enough to rotate; revoke the older one first."),
    Kind("signs-in-elsewhere", 409, "该账号使用统一身份登录", "Signs in at the identity provider", "该账号没有本地密码。如需改用密码,请先将 oidc_subject 置为 null,再重置。",
         "The account has no password here. To give it one, set oidc_subject to null first, then reset."),
    Kind("administrators-apart", 409, "三员须分立", "Administrators stay apart", "系统、安全、审计管理员之间不得互换,请为另一角色新建账号。",
         "A system, security or audit administrator never becomes another of the three; make a new account for that."),
    Kind("last-administrator", 409, "须保留一名安全管理员", "The last security administrator", "这是最后一名有效的安全管理员,请先新建另一名。",
         "This is the last active security administrator; make another one first."),
    Kind("totp-not-begun", 409, "尚未开始绑定验证器", "No enrolment begun", "请先以 POST /v1/me/totp 取得密钥,10 分钟内确认。",
         "POST /v1/me/totp first, then confirm within ten minutes."),
    Kind("account-changed", 412, "账号已被他人修改", "Account changed meanwhile", "账号现为版本 {version},请重新读取后再改。",
         "The account is at version {version} now; read it again, then change it."),
    Kind("body-too-large", 413, "请求内容过大", "Body too large", "请求内容不得超过 {bytes} 字节,请分次发送。", "The body must not exceed {bytes} bytes; send it in parts."),
    Kind("unsupported-media-type", 415, "请求内容的类型不受支持", "Unsupported media type", "请求内容应为 JSON,请加 Content-Type: application/json;现为 {given}。",
         "The body must be JSON, sent with Content-Type: application/json; this one came as {given}."),
    Kind("unsupported-encoding", 415, "请求内容不得压缩", "Unsupported content coding", "请求内容请勿压缩发送,去掉 Content-Encoding: {given}。",
         "Send the body as it is, without Content-Encoding: {given}."),
    Kind("quota-exceeded", 429, "请求过于频繁", "Too many requests", "每分钟至多 {quota} 次,请在 {seconds} 秒后重试。",
         "At most {quota} a minute; try again in {seconds} seconds."),
    Kind("if-match-required", 428, "须给出 If-Match", "If-Match required", "请在 If-Match 头中给出读取时得到的 ETag。", "Give the ETag that reading gave as If-Match."),
    Kind("wrong-handling", 409, "当前处理状态不允许此操作", "Not possible in this state", "告警处于“{state_zh}”,不能{action_zh};请重新读取告警,按其状态操作。",
         "The alert is {state_en}; it is not possible to {action_en} it. Read the alert anew and act by its state."),
    Kind("changed-meanwhile", 412, "告警已被他人更改", "Changed meanwhile", "{by} 于 {at} 已{action_zh}此告警。请重新读取后再操作。",
         "{by} did this at {at}: {action_en}. Read the alert anew, then decide."),
    Kind("wrong-version", 412, "版本不符", "Wrong version", "If-Match 中的版本不是现在的版本 {version}。请重新读取后再操作。",
         "The version in If-Match is not the present one, {version}. Read the alert anew, then decide."),
    Kind("precondition-required", 428, "须给出 If-Match", "If-Match required", "请在 If-Match 头中给出读取告警时的 ETag,以免覆盖他人的操作。",
         "Give the ETag that the alert was read with as If-Match, so that nobody's action is overwritten."),
    Kind("invalid-idempotency-key", 400, "Idempotency-Key 无效", "Invalid Idempotency-Key", "Idempotency-Key 应为 1–255 个可见 ASCII 字符,可加双引号。",
         "An Idempotency-Key has 1 to 255 visible ASCII characters, quoted or not."),
    Kind("idempotency-running", 409, "相同的请求仍在处理", "Still running", "同一 Idempotency-Key 的请求仍在处理,请稍后以同样的内容重试。",
         "The request with this Idempotency-Key still runs; try again shortly with the same content."),
    Kind("idempotency-mismatch", 422, "Idempotency-Key 已用于其它内容", "Key used for another request", "此 Idempotency-Key 已用于另一请求;新的请求请用新的键。",
         "This Idempotency-Key was used for another request; take a new key for a new one."),
    Kind("job-not-done", 409, "任务未完成", "Job not done", "任务 {id} 的状态为 {state},没有结果可取;请查看 GET /v1/jobs/{id}。", "Job {id} is {state}; there is no result to fetch. GET /v1/jobs/{id} tells when there is."),
    Kind("too-many-jobs", 429, "任务过多", "Too many jobs", "同时等待或运行的任务不得超过 {most} 个,请待其完成或取消。",
         "At most {most} jobs may wait or run at a time; let some end, or cancel them."),
    Kind("too-many-tests", 429, "测试事件过于频繁", "Too many test events", "每个端点每分钟至多 {most} 条测试事件,请在 {seconds} 秒后重试。",
         "At most {most} test events a minute for an endpoint; try again in {seconds} seconds."),
    Kind("internal", 500, "内部错误", "Internal error", "服务内部出错,已记入日志;报告时请附上 request_id。",
         "Something went wrong inside and is in the log; quote request_id when reporting it."),
    Kind("database-away", 503, "数据库暂不可用", "Database away", "数据库没有应答,数据并非为空;请稍后重试。",
         "The database does not answer; this does not mean that there is no data. Try again shortly."),
    Kind("kafka-away", 503, "消息队列暂不可用", "Kafka away", "Kafka 没有应答,报文并未丢失;请稍后重试。",
         "Kafka does not answer; nothing that it holds is lost. Try again shortly."),
    Kind("stopping", 503, "服务正在停止", "Stopping", "服务正在停止,请稍后重试。", "The service is stopping; try again shortly."),
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Fault:
    """One wrong value: where (`#/query/limit`), and what is wrong in both languages."""

    pointer: str
    zh: str
    en: str


@dataclass(slots=True)
class Problem(Exception):
    """Ends a request with a problem of KINDS; `words` fill its detail, `more` stands in the body under names of its own."""

    code: str
    words: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Its row of the table."""
        return BY_CODE[self.code]


def headers_of(problem: Problem) -> dict[str, str]:
    """What a problem's answer carries besides its language: how to sign in (401), when to come back (503)."""
    usual = {401: {"www-authenticate": CHALLENGE}, 503: {"retry-after": str(RETRY_AFTER_S)}}
    return usual.get(problem.kind.status, {}) | dict(problem.headers)


def document(problem: Problem, language: Language, request_id: str | None = None) -> dict[str, Any]:
    """The problem's JSON."""
    kind = problem.kind
    title, detail = (kind.zh, kind.detail_zh) if language == "zh" else (kind.en, kind.detail_en)
    body: dict[str, Any] = {
        "type": REGISTERED.get(kind.code, TYPE_PREFIX + kind.code),
        "title": title,
        "status": kind.status,
        "detail": detail.format_map(problem.words),
    }
    if problem.faults:
        body["errors"] = [
            {"pointer": fault.pointer, "detail": fault.zh if language == "zh" else fault.en}
            for fault in problem.faults
        ]
    if "retry-after" in (headers := headers_of(problem)):
        body["retry_after_s"] = int(headers["retry-after"])
    if request_id:
        body["request_id"] = request_id
    return body | dict(problem.more)


def respond(problem: Problem, language: Language, request_id: str | None = None) -> Response:
    """The problem as an answer."""
    headers = {
        "content-language": CONTENT_LANGUAGE[language],
        "vary": "Accept-Language",
        **headers_of(problem),
    }
    body = msgspec.json.encode(document(problem, language, request_id))
    return Response(body, problem.kind.status, headers, MEDIA_TYPE)


def invalid(parameter: str, zh: str, en: str) -> Problem:
    """A query parameter whose value cannot be."""
    return Problem("invalid-parameter", faults=(Fault(f"#/query/{parameter}", zh, en),))


EXAMPLE_WORDS = {
    "names": "colour", "known_zh": "rule, limit", "known_en": "rule, limit", "given": "text/plain", "after": 99, "last": 42, "days": 31, "path": "/v1/nothing", "method": "POST", "id": "alr_0",
    "minutes": 15, "permission": "alerts:read",
    "login": "wang", "subject": "248289761001", "name": "sync", "version": 3, "bytes": 1_000_000, "quota": 3000, "seconds": 2,
    "state_zh": "已办结", "state_en": "resolved", "action_zh": "知晓", "action_en": "acknowledge",
    "by": "王调度", "at": "2026-11-23T00:20:00Z",
    "hours": 6, "km2": 20_000, "state": "running", "most": 5, "kind": "webhook.recover",
}  # fmt: skip
EXAMPLE_FAULTS = {
    "invalid-parameter": (Fault("#/query/limit", "应为整数", "expected a whole number"),),
    "unknown-parameter": (Fault("#/query/colour", "没有此参数", "there is no such parameter"),),
    "invalid-body": (Fault("#/body/new", "至少 12 个字符", "at least 12 characters"),),
}
EXAMPLE_MORE: dict[str, dict[str, Any]] = {
    "quota-exceeded": {"violated-policies": ["default"]},
    "unknown-parameter": {"known": ["rule", "limit"]},
}
EXAMPLE_HEADERS = {
    "quota-exceeded": {"retry-after": "2"},
    "too-many-tests": {"retry-after": "41"},
    "idempotency-running": {"retry-after": "1"},
}


def answers(codes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that may end in these problems, one example each, for OpenAPI."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        kind = BY_CODE[code]
        faults = EXAMPLE_FAULTS.get(code, ())
        more = EXAMPLE_MORE.get(code, {})
        example = document(
            Problem(code, EXAMPLE_WORDS, faults, EXAMPLE_HEADERS.get(code, {}), more),
            "en",
            "9f1c2d3e4b5a69788796a5b4c3d2e1f0",
        )
        entry = found.setdefault(
            kind.status,
            {
                "description": kind.en,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            },
        )
        if entry["description"] != kind.en:
            entry["description"] += f"; {kind.en.lower()}"
        entry["content"][MEDIA_TYPE]["examples"][code] = {
            "summary": f"{kind.zh} · {kind.en}",
            "value": example,
        }
    return found
