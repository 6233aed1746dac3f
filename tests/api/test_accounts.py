"""Accounts and keys through the api: what security administrators may do, what nobody may, and how fast it holds."""

import asyncio
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api import passwords
from services.api.identity import EVERYTHING, PERMISSIONS, Role
from services.runtime.clock import now_ms
from tests.api.accounts import PASSWORD, account, browser, signed_in
from tests.api.support import Api, event, open_stream, put

OTHER = "another long phrase 7"
PROBLEM = "urn:roadwatch:problem:"


@pytest.fixture
async def admin(api: Api, writer: asyncpg.Connection) -> httpx2.AsyncClient:
    """A signed-in security administrator."""
    await account(writer, "security", Role.SECURITY_ADMIN)
    return await signed_in(api, "security")


async def made(
    admin: httpx2.AsyncClient, login: str, role: str = "dispatcher", **more: Any
) -> dict[str, Any]:
    answer = await admin.post(
        "/v1/accounts", json={"login": login, "name": f"账号 {login}", "role": role, **more}
    )
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix(PROBLEM)


async def change(admin: httpx2.AsyncClient, body: dict[str, Any], **given: Any) -> httpx2.Response:
    return await admin.patch(
        f"/v1/accounts/{body['id']}", json=given, headers={"if-match": f'"{body["version"]}"'}
    )


async def test_an_account_from_its_making_to_its_end(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    wang = await made(admin, "wang", scope={"divisions": ["6401"], "classes": ["coach"]})
    first = {"login": "wang", "password": wang["first_password"]}
    assert wang["must_change_password"]
    client = browser(api)
    assert (await client.post("/v1/session", json=first)).json()["must_change_password"]
    await client.put("/v1/me/password", json={"old": wang["first_password"], "new": OTHER})
    assert (await client.get("/v1/me")).json()["scope"] == {
        "divisions": ["6401"],
        "operators": None,
        "classes": ["coach"],
    }
    shown = await admin.get(f"/v1/accounts/{wang['id']}")
    assert shown.headers["etag"] == f'"{shown.json()["version"]}"'
    assert "first_password" not in shown.json()
    stale = await change(admin, wang, name="王")
    assert problem(stale) == (412, "account-changed")
    assert stale.headers["etag"] == shown.headers["etag"]
    disabled = await change(admin, shown.json(), active=False)
    assert (disabled.status_code, disabled.json()["active"]) == (200, False)
    assert (await client.get("/v1/me")).status_code == 401
    assert problem(await browser(api).post("/v1/session", json={"login": "wang", "password": OTHER})) == (
        401,
        "wrong-credentials",
    )
    actions = [
        row["action"]
        for row in await writer.fetch("SELECT action FROM audit WHERE object = $1 ORDER BY seq", wang["id"])
    ]
    assert actions == [
        "account.create",
        "session.begin",
        "password.change",
        "account.change",
        "session.begin",
    ]
    assert wang["first_password"] not in str([dict(row) for row in await writer.fetch("SELECT * FROM audit")])


async def test_a_list_is_paged_and_filtered(admin: httpx2.AsyncClient) -> None:
    for login in ("b", "a", "c"):
        await made(admin, f"u-{login}", role="partner")
    first = (await admin.get("/v1/accounts?limit=2&role=partner")).json()
    rest = (
        await admin.get("/v1/accounts", params={"limit": 2, "role": "partner", "cursor": first["next"]})
    ).json()
    assert [item["login"] for item in first["items"] + rest["items"]] == ["u-a", "u-b", "u-c"]
    assert rest["next"] is None
    assert problem(await admin.get("/v1/accounts?role=king")) == (400, "invalid-parameter")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"login": "Wang"}, "#/body/login"), ({"login": "w"}, "#/body/login"), ({"role": "king"}, "#/body/role"),
        ({"name": ""}, "#/body/name"), ({"name": "a\u200bb"}, "#/body/name"), ({"scope": {"divisions": ["宁"]}}, "#/body/scope/divisions/0"),
        ({"scope": {"classes": ["tank"]}}, "#/body/scope/classes/0"), ({"scope": {"divisions": []}}, "#/body/scope/divisions"),
        ({"active": True}, "#/body/active"), ({"role": "audit_admin", "scope": {"divisions": ["64"]}}, "#/body/scope"),
    ],
)  # fmt: skip
async def test_a_wrong_account_is_refused_by_name(
    admin: httpx2.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    answer = await admin.post(
        "/v1/accounts", json={"login": "wang", "name": "王", "role": "dispatcher", **body}
    )
    assert (problem(answer), answer.json()["errors"][0]["pointer"]) == ((400, "invalid-body"), pointer)
    assert answer.json()["errors"][0]["detail"] != "值无效"


async def test_what_nobody_may_do(api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection) -> None:
    me = (await admin.get("/v1/accounts/acc_security")).json()
    for given in ({"role": "dispatcher"}, {"active": False}, {"scope": {"divisions": ["64"]}}):
        assert problem(await change(admin, me, **given)) == (403, "own-account"), given
    assert problem(await admin.post("/v1/accounts/acc_security/reset-password")) == (403, "own-account")
    assert problem(
        await admin.post("/v1/accounts/acc_security/keys", json={"name": "k", "scopes": ["accounts:manage"]})
    ) == (403, "own-account")
    assert (await change(admin, me, name="新名")).status_code == 200
    auditor = await made(admin, "auditor", role="audit_admin")
    for role in ("security_admin", "system_admin"):
        assert problem(await change(admin, auditor, role=role)) == (409, "administrators-apart")
    assert (await change(admin, auditor, role="dispatcher")).status_code == 200
    await made(admin, "wang")
    assert problem(
        await admin.post("/v1/accounts", json={"login": "wang", "name": "x", "role": "partner"})
    ) == (409, "login-taken")
    assert problem(await admin.patch("/v1/accounts/acc_security", json={})) == (428, "if-match-required")
    assert problem(await admin.get("/v1/accounts/acc_nobody")) == (404, "account-not-found")
    last = await api.client.patch(
        "/v1/accounts/acc_security", json={"active": False}, headers={"if-match": "*"}
    )
    assert problem(last) == (409, "last-administrator")
    assert problem(
        await api.client.patch(
            "/v1/accounts/acc_security", json={"role": "partner"}, headers={"if-match": "*"}
        )
    ) == (409, "last-administrator")
    await made(admin, "second", role="security_admin")
    assert (
        await api.client.patch("/v1/accounts/acc_security", json={"active": False}, headers={"if-match": "*"})
    ).status_code == 200


async def test_two_security_administrators_cannot_disable_each_other_at_once(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    for round_ in range(5):
        await writer.execute("UPDATE account SET active = role <> 'security_admin' OR login = 'security'")
        await account(writer, f"other{round_}", Role.SECURITY_ADMIN)
        one, two = await signed_in(api, "security"), await signed_in(api, f"other{round_}")
        star = {"if-match": "*"}
        await asyncio.gather(
            one.patch(f"/v1/accounts/acc_other{round_}", json={"active": False}, headers=star),
            two.patch("/v1/accounts/acc_security", json={"active": False}, headers=star),
        )
        assert (
            await writer.fetchval("SELECT count(*) FROM account WHERE role = 'security_admin' AND active")
            == 1
        )


async def test_no_two_of_the_three_administrators_share_a_power() -> None:
    three = [
        PERMISSIONS[role] - {"meta:read"}
        for role in (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)
    ]
    assert not three[0] & three[1] | three[1] & three[2] | three[0] & three[2]
    for role, held in PERMISSIONS.items():
        if role not in {Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN}:
            assert not held & {"accounts:manage", "audit:read", "system:manage"}, role


async def test_a_reset_and_an_unlock(api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection) -> None:
    await account(writer, "wang", Role.DISPATCHER)
    client = await signed_in(api, "wang")
    reset = (await admin.post("/v1/accounts/acc_wang/reset-password")).json()
    assert (await client.get("/v1/me")).status_code == 401
    assert problem(await client.post("/v1/session", json={"login": "wang", "password": PASSWORD})) == (
        401,
        "wrong-credentials",
    )
    answer = await client.post("/v1/session", json={"login": "wang", "password": reset["first_password"]})
    assert answer.json()["must_change_password"]
    for _ in range(5):
        await client.post("/v1/session", json={"login": "wang", "password": "wrong"})
    assert (await admin.get("/v1/accounts/acc_wang")).json()["locked_until"]
    assert (await admin.post("/v1/accounts/acc_wang/unlock")).json()["locked_until"] is None
    assert (
        await client.post("/v1/session", json={"login": "wang", "password": reset["first_password"]})
    ).status_code == 200


async def test_a_change_of_scope_holds_at_once_and_cuts_the_stream(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("in", division="640104"), event("out", division="640200")])
    wang = await made(admin, "wang", scope={"divisions": ["6401"]})
    await writer.execute("UPDATE account SET must_change = false")
    client = await signed_in(api, "wang", wang["first_password"])
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    async with open_stream(
        api.port, "/v1/alerts/stream?after=0", {"cookie": cookie, "authorization": None}
    ) as stream:
        assert await stream.seqs(1) == [1]
        assert (await change(admin, wang, scope={"divisions": ["6402"]})).status_code == 200
        assert [item["id"] for item in (await client.get("/v1/alerts")).json()["items"]] == ["out"]
        async with asyncio.timeout(5):
            assert await stream.event() is None


async def test_keys_are_made_rotated_and_revoked(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    bot = await made(admin, "bot", role="partner")
    path = f"/v1/accounts/{bot['id']}/keys"
    body = {"name": "sync", "scopes": ["alerts:read"], "networks": ["127.0.0.0/8"]}
    keys = [(await admin.post(path, json=body)).json() for _ in range(2)]
    assert problem(await admin.post(path, json=body)) == (409, "two-keys-live")
    for key in keys:
        headers = {"authorization": f"Bearer {key['key']}"}
        assert (await api.get("/v1/alerts", headers=headers)).status_code == 200
        assert problem(await api.get("/v1/meta", headers=headers)) == (403, "forbidden")
        assert problem(await api.get("/v1/me/keys", headers=headers)) == (403, "session-required")
    assert (await admin.delete(f"/v1/keys/{keys[0]['id']}")).status_code == 204
    assert (
        await api.get("/v1/alerts", headers={"authorization": f"Bearer {keys[0]['key']}"})
    ).status_code == 401
    assert problem(await admin.delete(f"/v1/keys/{keys[0]['id']}")) == (404, "key-not-found")
    assert (await admin.post(path, json=body)).status_code == 201
    listed = (await admin.get(path)).json()["items"]
    assert len(listed) == 3
    assert "key" not in listed[0]
    assert listed[-1]["used"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scopes": ["tracks:read"]}, "#/body/scopes"), ({"scopes": ["everything"]}, "#/body/scopes/0"), ({"scopes": []}, "#/body/scopes"),
        ({"networks": ["10.1.0.1/16"]}, "#/body/networks/0"), ({"expires": "2020-01-01T00:00:00Z"}, "#/body/expires"),
        ({"expires": "2099-01-01T00:00:00Z"}, "#/body/expires"), ({"expires": "tomorrow"}, "#/body/expires"),
    ],
)  # fmt: skip
async def test_a_wrong_key_is_refused(admin: httpx2.AsyncClient, body: dict[str, Any], pointer: str) -> None:
    bot = await made(admin, "bot", role="partner")
    answer = await admin.post(
        f"/v1/accounts/{bot['id']}/keys", json={"name": "k", "scopes": ["alerts:read"], **body}
    )
    assert (problem(answer), answer.json()["errors"][0]["pointer"]) == ((400, "invalid-body"), pointer)


async def test_own_keys(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "wang", Role.DISPATCHER)
    await account(writer, "li", Role.DISPATCHER)
    client, other = await signed_in(api, "wang"), await signed_in(api, "li")
    key = (await client.post("/v1/me/keys", json={"name": "k", "scopes": ["alerts:read"]})).json()
    assert problem(await client.post("/v1/me/keys", json={"name": "k", "scopes": ["audit:read"]})) == (
        400,
        "invalid-body",
    )
    assert problem(await other.delete(f"/v1/me/keys/{key['id']}")) == (404, "key-not-found")
    assert (await other.get("/v1/me/keys")).json()["items"] == []
    for name in ("k", "l"):
        await client.post("/v1/me/keys", json={"name": name, "scopes": ["alerts:read"]})
    first = (await client.get("/v1/me/keys?limit=2")).json()
    rest = (await client.get("/v1/me/keys", params={"cursor": first["next"]})).json()
    assert first["items"][0]["name"] == "l"
    assert len({one["id"] for one in first["items"] + rest["items"]}) == 3
    assert rest["next"] is None
    assert (await client.delete(f"/v1/me/keys/{key['id']}")).status_code == 204
    assert problem(await api.get("/v1/me/keys")) == (403, "session-required")
    await writer.execute("UPDATE account SET must_change = true WHERE login = 'li'")
    api.state.authenticator.forget()
    assert problem(await other.post("/v1/me/keys", json={"name": "k", "scopes": ["alerts:read"]})) == (
        403,
        "password-change-required",
    )


async def test_one_time_codes_from_begin_to_end(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "qian", Role.AUTHORITY)
    client = await signed_in(api, "qian")
    assert problem(await client.put("/v1/me/totp", json={"code": "000000"})) == (409, "totp-not-begun")
    assert problem(await client.post("/v1/me/totp", json={"password": "wrong"})) == (401, "wrong-credentials")
    begun = (await client.post("/v1/me/totp", json={"password": PASSWORD})).json()
    assert begun["uri"] == f"otpauth://totp/Roadwatch%3Aqian?secret={begun['secret']}&issuer=Roadwatch"
    assert (await signed_in(api, "qian")) is not None, "nothing is asked for before the code was confirmed"
    step = now_ms() // 1000 // passwords.STEP_S
    wrong = next(
        code
        for code in ("111111", "222222")
        if code not in {passwords.totp(begun["secret"], step + n) for n in (-1, 0, 1)}
    )
    assert problem(await client.put("/v1/me/totp", json={"code": wrong})) == (401, "wrong-credentials")
    code = passwords.totp(begun["secret"], step)
    assert (await client.put("/v1/me/totp", json={"code": code})).status_code == 204
    body = {"login": "qian", "password": PASSWORD}
    assert problem(await browser(api).post("/v1/session", json=body)) == (401, "code-required")
    assert problem(await browser(api).post("/v1/session", json={**body, "code": code})) == (
        401,
        "wrong-credentials",
    )
    assert problem(await client.request("DELETE", "/v1/me/totp", json={"code": wrong})) == (
        401,
        "wrong-credentials",
    )
    following = passwords.totp(begun["secret"], step + 1)
    assert (await client.request("DELETE", "/v1/me/totp", json={"code": following})).status_code == 204
    assert (await browser(api).post("/v1/session", json=body)).status_code == 200


async def test_only_security_administrators_manage_accounts(api: Api, writer: asyncpg.Connection) -> None:
    assert "accounts:manage" in EVERYTHING
    for role in Role:
        await account(writer, role.value, role)
        client = await signed_in(api, role.value)
        assert (await client.get("/v1/accounts")).status_code == (
            200 if role == Role.SECURITY_ADMIN else 403
        ), role
        assert (await client.get("/v1/audit")).status_code == (200 if role == Role.AUDIT_ADMIN else 403), role
