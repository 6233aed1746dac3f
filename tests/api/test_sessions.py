"""Signing in, what a session is good for, and when it ends."""

import asyncio

import asyncpg
import pytest

from services.api import passwords
from services.api.identity import Role
from services.runtime.clock import now_ms
from services.store import audit
from tests.api.accounts import PASSWORD, account, browser, signed_in
from tests.api.support import Api, event, open_stream, put

OTHER = "another long phrase 7"


async def test_a_session_opens_what_the_role_may_and_nothing_else(
    api: Api, writer: asyncpg.Connection
) -> None:
    await account(writer, "wang", Role.DISPATCHER)
    client = await signed_in(api, "wang")
    me = (await client.get("/v1/me")).json()
    assert (me["role"], me["credential"], me["must_change_password"]) == ("dispatcher", "session", False)
    assert (await client.get("/v1/alerts")).status_code == 200
    refused = await client.get("/metrics", headers={"accept-language": "en"})
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "This needs the permission metrics:read, which this account or key lacks; a security administrator can give it.",
    )
    assert (await client.delete("/v1/session")).status_code == 204
    assert (await client.get("/v1/alerts")).status_code == 401


async def test_wrong_tries_lock_the_account_and_all_look_alike(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "li", Role.DISPATCHER)
    client = browser(api)
    said = set()
    for login in ("nobody", "li", "li", "li", "li", "li"):
        answer = await client.post("/v1/session", json={"login": login, "password": "wrong"})
        said.add((answer.status_code, answer.json()["type"], answer.json()["detail"]))
    assert len(said) == 1
    locked = await client.post("/v1/session", json={"login": "li", "password": PASSWORD})
    assert (locked.status_code, locked.json()["type"]) == (401, "urn:roadwatch:problem:locked")
    await writer.execute("UPDATE sign_in_failure SET locked_until = now() - interval '1 second'")
    assert (await client.post("/v1/session", json={"login": "li", "password": PASSWORD})).status_code == 200
    outcomes = [row["outcome"] for row in await writer.fetch("SELECT outcome FROM audit ORDER BY seq")]
    assert outcomes == ["wrong-credentials"] * 6 + ["locked", "ok"]


async def test_a_first_password_must_be_changed_and_a_change_ends_other_sessions(
    api: Api, writer: asyncpg.Connection
) -> None:
    await account(writer, "zhao", Role.SUPERVISOR, must_change=True)
    first, second = await signed_in(api, "zhao"), await signed_in(api, "zhao")
    assert (await first.get("/v1/alerts")).json()["type"] == "urn:roadwatch:problem:password-change-required"
    for new in ("short", "zhao-zhao-zhao-1", "aaaaaaaaaaaaab", "x" * 129):
        weak = await first.put("/v1/me/password", json={"old": PASSWORD, "new": new})
        assert (weak.status_code, weak.json()["errors"][0]["pointer"]) == (400, "#/body/new"), new
    assert (await first.put("/v1/me/password", json={"old": "wrong", "new": OTHER})).status_code == 401
    assert (await first.put("/v1/me/password", json={"old": PASSWORD, "new": OTHER})).status_code == 204
    assert (await first.get("/v1/alerts")).status_code == 200
    assert (await second.get("/v1/me")).status_code == 401
    assert (
        await browser(api).post("/v1/session", json={"login": "zhao", "password": PASSWORD})
    ).status_code == 401


async def test_a_one_time_code_is_asked_for_and_good_once(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "qian", Role.AUTHORITY)
    secret = passwords.new_totp_secret()
    await writer.execute("UPDATE account SET totp_secret = $1", secret)
    client = browser(api)
    body = {"login": "qian", "password": PASSWORD}
    assert (await client.post("/v1/session", json=body)).json()[
        "type"
    ] == "urn:roadwatch:problem:code-required"
    code = passwords.totp(secret, now_ms() // 1000 // passwords.STEP_S)
    assert (await client.post("/v1/session", json={**body, "code": code})).status_code == 200
    assert (await client.post("/v1/session", json={**body, "code": code})).status_code == 401


def test_codes_are_those_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238 appendix B: 12345678901234567890
    for seconds, code in (
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ):
        assert passwords.totp(secret, seconds // 30) == code


async def test_a_foreign_page_cannot_use_a_session(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "sun", Role.DISPATCHER)
    client = await signed_in(api, "sun")
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        answer = await client.delete("/v1/session", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:roadwatch:problem:cross-site")
    assert (await client.get("/v1/me")).status_code == 200


async def test_a_key_has_its_part_of_the_permissions_until_it_ends(
    api: Api, writer: asyncpg.Connection
) -> None:
    name = await account(writer, "bot", Role.SUPERVISOR)
    key, key_id, key_hash = passwords.new_key()
    await writer.execute(
        "INSERT INTO api_key (id, key_hash, account, name, scopes, networks) VALUES ($1, $2, $3, 'k', '{alerts:read,system:manage}', '{127.0.0.0/8}')",
        key_id, key_hash, name,
    )  # fmt: skip
    headers = {"authorization": f"Bearer {key}"}
    assert (await api.get("/v1/alerts", headers=headers)).status_code == 200
    assert (await api.get("/v1/vehicles", headers=headers)).status_code == 403
    assert (await api.get("/metrics", headers=headers)).status_code == 403, (
        "a key has no more than its account"
    )
    for wrong in (key[:-1] + ("A" if key[-1] != "A" else "B"), f"rw_{key_id}_{'x' * 43}", key + "x"):
        assert (await api.get("/v1/alerts", headers={"authorization": f"Bearer {wrong}"})).status_code == 401
    for change in (
        "revoked_at = now()",
        "revoked_at = NULL, expires_at = now() - interval '1 second'",
        "expires_at = NULL, networks = '{10.0.0.0/8}'",
    ):
        await writer.execute(f"UPDATE api_key SET {change}")
        api.state.authenticator.forget()
        assert (await api.get("/v1/alerts", headers=headers)).status_code == 401, change


async def test_rows_out_of_scope_are_not_there(api: Api, writer: asyncpg.Connection) -> None:
    await put(
        writer,
        [
            event("in", division="640104"),
            event("out", division="640200"),
            event("class", division="640104", vehicle_class="hazmat"),
        ],
    )
    await account(writer, "zhou", Role.DISPATCHER, divisions=["6401"], classes=["coach"])
    client = await signed_in(api, "zhou")
    assert [alert["id"] for alert in (await client.get("/v1/alerts")).json()["items"]] == ["in"]
    assert (await client.get("/v1/alerts/in")).status_code == 200
    assert (await client.get("/v1/alerts/out")).status_code == 404
    events = (await client.get("/v1/events")).json()
    assert ([item["alert"] for item in events["items"]], events["last"], events["next"]) == (["in"], 3, None)


@pytest.mark.parametrize(
    "change",
    ["UPDATE account SET active = false", "UPDATE account SET epoch = epoch + 1", "DELETE FROM session"],
)
async def test_a_stream_ends_within_five_seconds_of_a_permission_taken_away(
    api: Api, writer: asyncpg.Connection, change: str
) -> None:
    await account(writer, "wu", Role.DISPATCHER, divisions=["6401"])
    client = await signed_in(api, "wu")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    async with open_stream(api.port, headers={"cookie": cookie, "authorization": None}) as stream:
        await put(writer, [event("one"), event("elsewhere", division="640200"), event("two")])
        assert await stream.seqs(2) == [1, 3]
        await writer.execute(change)
        async with asyncio.timeout(5):
            assert await stream.event() is None
    assert stream.ended


async def test_the_chain_holds(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "zheng", Role.DISPATCHER)
    for _ in range(3):
        await signed_in(api, "zheng")
    previous, count = audit.GENESIS, 0
    async for page in audit.rows(writer, at_once=2):
        for seq, entry, kept in page:
            count += 1
            assert (seq, audit.row_hash(previous, seq, entry)) == (count, kept)
            previous = kept
    assert count == 3
    for change in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await writer.execute(change)
