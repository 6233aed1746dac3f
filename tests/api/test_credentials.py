"""The audit names the session or key of every row; and what giving access to others lets a security administrator do in their names: nothing unnoticed."""

import json
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api.accounts import changes
from services.api.handling.deadlines import escalate_one
from services.api.identity import PERMISSIONS, Role
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import audit, audit_proof
from tests.api.accounts import PASSWORD, account, browser, signed_in
from tests.api.support import Api, event, put

OTHER = "another long phrase 7"
PEOPLE = sorted(set(Role) - {Role.PARTNER, Role.SECURITY_ADMIN})


def problem(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


@pytest.fixture
async def admin(api: Api, writer: asyncpg.Connection) -> httpx2.AsyncClient:
    await account(writer, "security", Role.SECURITY_ADMIN)
    return await signed_in(api, "security")


async def rows_of(api: Api, **filters: str) -> list[dict[str, Any]]:
    """The audit, oldest first."""
    answer = await api.get("/v1/audit", **filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items[::-1]


async def test_every_row_names_its_credential(api: Api, writer: asyncpg.Connection) -> None:
    """Two sessions, two keys, the system's token, nobody, a command and a deadline, all of one hour."""
    await account(writer, "wang", Role.SUPERVISOR)
    first, second = await signed_in(api, "wang"), await signed_in(api, "wang")
    names = [(await client.get("/v1/me")).json()["credential_id"] for client in (first, second)]
    assert len(set(names)) == 2
    keys = [
        (await first.post("/v1/me/keys", json={"name": name, "scopes": ["alerts:read", "alerts:ack"]})).json()
        for name in ("a", "b")
    ]
    await put(writer, [event("one"), event("two"), event("three")])
    for key, alert in zip(keys, ("one", "two"), strict=True):
        headers = {"authorization": f"Bearer {key['key']}", "if-match": '"0"'}
        assert (await api.client.post(f"/v1/alerts/{alert}/acknowledge", headers=headers)).status_code == 200
        told = (await api.get("/v1/me", headers=headers)).json()
        assert (told["credential"], told["credential_id"]) == ("key", key["id"])
    await second.delete("/v1/session")
    assert (
        await api.client.post("/v1/alerts/three/acknowledge", headers={"if-match": '"0"'})
    ).status_code == 200
    await browser(api).post("/v1/session", json={"login": "wang", "password": "wrong"})
    due = {"level": "normal", "due": iso(now_ms() + 3_600_000)}
    await first.post("/v1/alerts/three/supervise", json=due, headers={"if-match": '"1"'})
    await writer.execute("UPDATE alert SET due_at = now() - interval '1 hour' WHERE id = 'three'")
    assert await escalate_one(api.state.database, now_ms()) == "three"
    found = [(row["action"], row["credential"], row["credential_id"]) for row in await rows_of(api)]
    assert found == [
        ("session.begin", "session", names[0]), ("session.begin", "session", names[1]),
        ("key.create", "session", names[0]), ("key.create", "session", names[0]),
        ("alert.acknowledge", "key", keys[0]["id"]), ("alert.acknowledge", "key", keys[1]["id"]),
        ("session.end", "session", names[1]), ("alert.acknowledge", "token", None),
        ("session.begin", "none", None), ("alert.supervise", "session", names[0]), ("alert.escalate", "process", None),
    ]  # fmt: skip
    assert len(await rows_of(api, credential_id=keys[0]["id"])) == 1
    assert [row["action"] for row in await rows_of(api, credential_id=names[1])] == [
        "session.begin",
        "session.end",
    ]
    assert len(await rows_of(api, credential="key")) == 2
    assert problem(await api.get("/v1/audit", credential="magic")) == (400, "invalid-parameter")
    assert (await audit_proof.prove(writer)).reason is None


async def test_rows_of_before_stay_provable_and_take_no_credential(
    api: Api, writer: asyncpg.Connection
) -> None:
    """A row of format 1 as older code wrote it, then one of today; a credential put into the old one later is found."""
    old = audit.Entry(
        at_ms=now_ms(), actor="acc_old", actor_name="旧", action="look", object="x", credential=None, format=1
    )
    async with writer.transaction():
        await audit.append(writer, old)
    await browser(api).post("/v1/session", json={"login": "nobody", "password": "wrong"})
    before, after = await rows_of(api)
    assert (before["credential"], before["credential_id"], after["credential"]) == (None, None, "none")
    assert (await audit_proof.prove(writer)).reason is None
    await writer.execute("ALTER TABLE audit DISABLE TRIGGER USER")
    await writer.execute("UPDATE audit SET credential = 'session', credential_id = 'ses_x' WHERE seq = 1")
    proof = await audit_proof.prove(writer)
    assert (proof.broken, proof.reason) == (1, "hash")


@pytest.mark.parametrize("role", PEOPLE)
async def test_nobody_makes_a_key_in_another_s_name(
    admin: httpx2.AsyncClient, writer: asyncpg.Connection, role: Role
) -> None:
    await account(writer, "wang", role)
    body = {"name": "k", "scopes": ["meta:read"]}
    assert problem(await admin.post("/v1/accounts/acc_wang/keys", json=body)) == (403, "keys-by-owner")
    assert await writer.fetchval("SELECT count(*) FROM api_key") == 0


async def test_a_partner_s_key_is_made_within_its_account_and_audited(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    await account(writer, "bot", Role.PARTNER, divisions=["6401"])
    await put(writer, [event("in", division="640104"), event("out", division="640200")])
    path = "/v1/accounts/acc_bot/keys"
    for scope in sorted(PERMISSIONS[Role.AUTHORITY] - PERMISSIONS[Role.PARTNER]):
        assert problem(await admin.post(path, json={"name": "k", "scopes": [scope]})) == (400, "invalid-body")
    key = (await admin.post(path, json={"name": "k", "scopes": ["alerts:read"]})).json()
    seen = await api.get("/v1/alerts", headers={"authorization": f"Bearer {key['key']}"})
    assert [item["id"] for item in seen.json()["items"]] == ["in"]
    (row,) = await rows_of(api, action="key.create")
    assert (row["actor"], row["object"], row["detail"]["account"]) == ("acc_security", key["id"], "acc_bot")


@pytest.mark.parametrize("detour", ["partner, then authority", "authority, as partner, and back"])
async def test_a_change_of_role_ends_the_keys(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection, detour: str
) -> None:
    """Else a key made for a partner would become one in the name of a person."""
    star = {"if-match": "*"}
    if detour.startswith("partner"):
        await account(writer, "wang", Role.PARTNER)
    else:
        await account(writer, "wang", Role.AUTHORITY)
        await admin.patch("/v1/accounts/acc_wang", json={"role": "partner"}, headers=star)
    made = await admin.post("/v1/accounts/acc_wang/keys", json={"name": "k", "scopes": ["alerts:read"]})
    headers = {"authorization": f"Bearer {made.json()['key']}"}
    assert (await api.get("/v1/alerts", headers=headers)).status_code == 200
    await admin.patch("/v1/accounts/acc_wang", json={"name": "新名"}, headers=star)
    assert (await api.get("/v1/alerts", headers=headers)).status_code == 200
    await admin.patch("/v1/accounts/acc_wang", json={"role": "authority"}, headers=star)
    assert (await api.get("/v1/alerts", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"scopes": ["alerts:read"]}, None), ({"networks": ["127.0.0.0/16"]}, None), ({"networks": ["127.0.0.1/32", "127.1.0.0/16"]}, None),
        ({"expires": "2027-01-15T00:00:00Z"}, None), ({}, None),
        ({"scopes": ["alerts:read", "webhooks:manage"]}, "#/body/scopes"), ({"networks": []}, "#/body/networks"),
        ({"networks": ["127.0.0.0/16", "0.0.0.0/0"]}, "#/body/networks/1"), ({"networks": ["::/0"]}, "#/body/networks/0"),
        ({"networks": ["here"]}, "#/body/networks/0"), ({"expires": "2027-03-01T00:00:00Z"}, "#/body/expires"), ({"scopes": []}, "#/body/scopes"),
    ],
)  # fmt: skip
async def test_an_administrator_sets_a_key_narrower_limits_only(
    api: Api,
    admin: httpx2.AsyncClient,
    writer: asyncpg.Connection,
    given: dict[str, Any],
    pointer: str | None,
) -> None:
    await account(writer, "wang", Role.PARTNER)
    held = {"name": "k", "scopes": ["alerts:read", "meta:read"], "networks": ["127.0.0.0/8"]}
    key = (await (await signed_in(api, "wang")).post("/v1/me/keys", json=held)).json()
    await writer.execute("UPDATE api_key SET expires_at = '2027-02-01Z'")
    answer = await admin.patch(f"/v1/keys/{key['id']}", json=given)
    if pointer is not None:
        assert (problem(answer), answer.json()["errors"][0]["pointer"]) == ((400, "invalid-body"), pointer)
        return
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in given} == given
    (row,) = await rows_of(api, action="key.change")
    assert row["detail"].keys() == {"account", *given}
    meta = await api.get("/v1/meta", headers={"authorization": f"Bearer {key['key']}"})
    assert meta.status_code == (403 if "scopes" in given else 200)


async def test_limits_of_a_key_that_has_ended_are_not_set(
    admin: httpx2.AsyncClient, writer: asyncpg.Connection, api: Api
) -> None:
    await account(writer, "wang", Role.PARTNER)
    client = await signed_in(api, "wang")
    key = (await client.post("/v1/me/keys", json={"name": "k", "scopes": ["alerts:read"]})).json()
    assert problem(await client.patch(f"/v1/keys/{key['id']}", json={})) == (403, "forbidden")
    await client.delete(f"/v1/me/keys/{key['id']}")
    for name in (key["id"], "nothing", "%00"):
        assert problem(await admin.patch(f"/v1/keys/{name}", json={})) == (404, "key-not-found")


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN, Role.SECURITY_ADMIN])
async def test_no_administrator_can_sign_in_as_another(
    admin: httpx2.AsyncClient, writer: asyncpg.Connection, role: Role
) -> None:
    """Whoever runs the machine can: `roadwatch admin reset`."""
    await account(writer, "other", role)
    reset = await admin.post("/v1/accounts/acc_other/reset-password")
    assert problem(reset) == (403, "another-administrator")
    linked = await admin.patch(
        "/v1/accounts/acc_other", json={"oidc_subject": "mine"}, headers={"if-match": "*"}
    )
    assert problem(linked) == (403, "another-administrator")
    renamed = await admin.patch("/v1/accounts/acc_other", json={"name": "新名"}, headers={"if-match": "*"})
    assert renamed.status_code == 200
    async with writer.transaction():
        _, password = await changes.reset_password(writer, "acc_other", by=changes.SYSTEM)
    assert password


async def test_who_signs_in_with_another_s_reset_password_is_noticed(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    """A reset cannot be had without its price: the person is signed out and must ask, nothing is shown before the password is changed, and each step stands in the audit."""
    await account(writer, "wang", Role.AUTHORITY)
    person = await signed_in(api, "wang")
    first = (await admin.post("/v1/accounts/acc_wang/reset-password")).json()["first_password"]
    assert (await person.get("/v1/me")).status_code == 401
    thief = await signed_in(api, "wang", first)
    assert problem(await thief.get("/v1/alerts")) == (403, "password-change-required")
    await thief.put("/v1/me/password", json={"old": first, "new": OTHER})
    assert problem(await person.post("/v1/session", json={"login": "wang", "password": PASSWORD}))[0] == 401
    reset, _, changed = (await rows_of(api, object="acc_wang"))[1:4]
    security = (await admin.get("/v1/me")).json()["credential_id"]
    assert (reset["action"], reset["actor"], reset["credential_id"]) == (
        "account.reset-password", "acc_security", security,
    )  # fmt: skip
    assert (changed["action"], changed["credential_id"]) == (
        "password.change",
        (await thief.get("/v1/me")).json()["credential_id"],
    )


async def test_an_account_has_one_way_to_sign_in(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    """A second one, given behind its holder's back, would not be noticed."""
    await account(writer, "wang", Role.AUTHORITY)
    person, star = await signed_in(api, "wang"), {"if-match": "*"}
    path = "/v1/accounts/acc_wang"
    linked = await admin.patch(path, json={"oidc_subject": "somebody's"}, headers=star)
    assert (linked.json()["password"], linked.json()["oidc_subject"]) == (False, "somebody's")
    assert (await person.get("/v1/me")).status_code == 401
    assert problem(await person.post("/v1/session", json={"login": "wang", "password": PASSWORD}))[0] == 401
    assert problem(await admin.post(f"{path}/reset-password")) == (409, "signs-in-elsewhere")
    assert (await admin.patch(path, json={"oidc_subject": None}, headers=star)).status_code == 200
    first = (await admin.post(f"{path}/reset-password")).json()["first_password"]
    assert (await signed_in(api, "wang", first)) is not None
    detail = [row["detail"] for row in await rows_of(api, action="account.change")]
    assert detail[0] == {"oidc_subject": {"was": None, "is": "somebody's"}}
    await writer.execute("UPDATE account SET oidc_subject = 's' WHERE login = 'wang'")
    async with writer.transaction():
        row, _ = await changes.reset_password(writer, "acc_wang", by=changes.SYSTEM)
    assert row["oidc_subject"] is None, "the machine's own command ends the link"


async def test_a_disabled_account_comes_back_with_its_keys_and_without_its_sessions(
    api: Api, admin: httpx2.AsyncClient, writer: asyncpg.Connection
) -> None:
    await account(writer, "wang", Role.DISPATCHER)
    person, star = await signed_in(api, "wang"), {"if-match": "*"}
    key = (await person.post("/v1/me/keys", json={"name": "k", "scopes": ["alerts:read"]})).json()["key"]
    headers = {"authorization": f"Bearer {key}"}
    for active, status in ((False, 401), (True, 200)):
        await admin.patch("/v1/accounts/acc_wang", json={"active": active}, headers=star)
        assert (await api.get("/v1/alerts", headers=headers)).status_code == status
    assert (await person.get("/v1/me")).status_code == 401


async def test_a_security_administrator_reads_and_edits_nothing_of_others(
    api: Api, admin: httpx2.AsyncClient
) -> None:
    held = (await admin.get("/v1/me")).json()["permissions"]
    assert held == ["accounts:manage", "meta:read"]
    for path in ("alerts", "vehicles", "drivers", "webhooks/endpoints", "jobs", "audit", "system", "events"):
        assert problem(await admin.get(f"/v1/{path}")) == (403, "forbidden"), path
    assert json.loads((await admin.get("/v1/accounts/acc_security/keys")).text)["items"] == []
