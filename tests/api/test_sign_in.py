"""Signing in tells nobody which logins exist, no number of tries gets more than the limit, and a password that ends can take the keys with it."""

import asyncio
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api import passwords
from services.api.identity import Role
from services.runtime.clock import now_ms
from services.runtime.settings import Settings
from services.store import sign_in_tries
from tests.api.accounts import PASSWORD, account, browser, signed_in
from tests.api.support import Api

OTHER = "another long phrase 7"
SAID_ANEW = {"date", "x-request-id", "ratelimit"}
"""Headers that differ between any two answers."""


@pytest.fixture
def api_settings(api_settings: Settings) -> Settings:
    return api_settings.model_copy(update={"logins_per_minute": 0})


async def tried(client: httpx2.AsyncClient, login: str, password: str = "wrong", **more: str) -> str:  # noqa: S107
    """The kind of problem, or "ok"."""
    answer = await client.post("/v1/session", json={"login": login, "password": password, **more})
    return "ok" if answer.status_code == 200 else str(answer.json()["type"].rpartition(":")[2])


async def told(client: httpx2.AsyncClient, login: str, **more: str) -> tuple[Any, ...]:
    """All that an answer tells, but for its number and time."""
    answer = await client.post("/v1/session", json={"login": login, "password": "wrong", **more})
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    return (
        answer.status_code,
        body,
        sorted((name, value) for name, value in answer.headers.items() if name not in SAID_ANEW),
    )


async def test_a_login_that_exists_and_one_that_does_not_are_told_the_same(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Try after try until both are locked and on: an ordinary account, one with codes, a disabled one, one of the identity provider, and none."""
    for login in ("plain", "codes", "disabled", "linked"):
        await account(writer, login, Role.DISPATCHER)
    await writer.execute(
        "UPDATE account SET totp_secret = $1 WHERE login = 'codes'", passwords.new_totp_secret()
    )
    await writer.execute("UPDATE account SET active = false WHERE login = 'disabled'")
    await writer.execute("UPDATE account SET oidc_subject = 's', password_hash = NULL WHERE login = 'linked'")
    compared: list[str] = []
    right = passwords.right

    def counted(password: str, kept: str | None) -> bool:
        compared.append(password)
        return right(password, kept)

    monkeypatch.setattr(passwords, "right", counted)
    client = browser(api)
    for number in range(1, 8):
        for more in ({}, {"code": "000000"})[number % 2 :]:
            answers = [
                await told(client, login, **more)
                for login in ("nobody", "plain", "codes", "disabled", "linked")
            ]
            assert answers == answers[:1] * 5, number
    assert answers[0][1]["type"].endswith(":locked")
    assert len(compared) == 5 * sum(len(({}, {})[number % 2 :]) for number in range(1, 8)), "every try costs one comparison"  # fmt: skip


async def test_a_lock_holds_for_the_login_as_typed_until_it_ends(
    api: Api, writer: asyncpg.Connection
) -> None:
    await account(writer, "li", Role.DISPATCHER)
    await account(writer, "wang", Role.DISPATCHER)
    client = browser(api)
    assert [await tried(client, "li") for _ in range(5)] == ["wrong-credentials"] * 5
    assert await tried(client, "li", PASSWORD) == "locked"
    assert await tried(client, "Li", PASSWORD) == "wrong-credentials"
    assert await tried(client, "wang", PASSWORD) == "ok"
    await writer.execute(
        "UPDATE sign_in_failure SET locked_until = now() - interval '1 second' WHERE tries = 5"
    )
    assert await tried(client, "li") == "wrong-credentials"
    assert await tried(client, "li", PASSWORD) == "locked", "one more wrong try after a lock locks again"
    await writer.execute("UPDATE sign_in_failure SET locked_until = now() - interval '1 second'")
    assert await tried(client, "li", PASSWORD) == "ok"
    assert [await tried(client, "li") for _ in range(4)] == ["wrong-credentials"] * 4
    assert await tried(client, "li", PASSWORD) == "ok", "signing in forgets the tries before"


async def test_many_tries_at_once_get_no_more_than_five(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "li", Role.DISPATCHER)
    clients = [browser(api) for _ in range(12)]
    said = await asyncio.gather(*(tried(client, "li") for client in clients))
    assert sorted(said) == ["locked"] * 7 + ["wrong-credentials"] * 5


async def test_a_missing_code_is_no_wrong_try_and_forgets_none(api: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "qian", Role.AUTHORITY)
    secret = passwords.new_totp_secret()
    await writer.execute("UPDATE account SET totp_secret = $1", secret)
    client, step = browser(api), now_ms() // 1000 // passwords.STEP_S
    near = {passwords.totp(secret, step + n) for n in (-2, -1, 0, 1, 2)}
    wrong = next(code for code in ("111111", "222222", "333333") if code not in near)
    for _ in range(4):
        assert await tried(client, "qian", PASSWORD) == "code-required"
        assert await tried(client, "qian", PASSWORD, code=wrong) == "wrong-credentials"
    assert await tried(client, "qian", PASSWORD) == "code-required"
    assert await tried(client, "qian", PASSWORD, code=wrong) == "wrong-credentials"
    assert await tried(client, "qian", PASSWORD, code=passwords.totp(secret, step)) == "locked"


async def test_no_typed_login_is_kept_and_tries_of_yesterday_are_forgotten(
    api: Api, writer: asyncpg.Connection
) -> None:
    client = browser(api)
    await tried(client, "my secret password")
    (row,) = await writer.fetch("SELECT * FROM sign_in_failure")
    assert b"secret" not in row["login_hash"]
    await sign_in_tries.expire(writer, now_ms() + sign_in_tries.KEPT_MS - 60_000)
    assert await writer.fetchval("SELECT count(*) FROM sign_in_failure") == 1
    await sign_in_tries.expire(writer, now_ms() + sign_in_tries.KEPT_MS + 60_000)
    assert await writer.fetchval("SELECT count(*) FROM sign_in_failure") == 0


@pytest.mark.parametrize("must_change", [True, False])
async def test_a_new_password_differs_from_the_present_one(
    api: Api, writer: asyncpg.Connection, must_change: bool
) -> None:
    await account(writer, "zhao", Role.SUPERVISOR, must_change=must_change)
    client = await signed_in(api, "zhao")
    same = await client.put("/v1/me/password", json={"old": PASSWORD, "new": PASSWORD})
    assert (same.status_code, same.json()["errors"][0]["pointer"]) == (400, "#/body/new")
    assert "不得与现密码相同" in same.json()["errors"][0]["detail"]
    assert (await client.get("/v1/me")).json()["must_change_password"] is must_change
    wrong = await client.put("/v1/me/password", json={"old": OTHER, "new": OTHER})
    assert wrong.status_code == 401, "whether a guess is the present password is told by the old one alone"
    assert (await client.put("/v1/me/password", json={"old": PASSWORD, "new": OTHER})).status_code == 204


async def _key(client: httpx2.AsyncClient, name: str) -> dict[str, str]:
    answer = await client.post("/v1/me/keys", json={"name": name, "scopes": ["alerts:read"]})
    return {"authorization": f"Bearer {answer.json()['key']}"}


@pytest.mark.parametrize(
    ("asked", "status"), [({}, 200), ({"revoke_keys": False}, 200), ({"revoke_keys": True}, 401)]
)
async def test_a_change_of_password_takes_the_keys_with_it_if_asked(
    api: Api, writer: asyncpg.Connection, asked: dict[str, bool], status: int
) -> None:
    await account(writer, "wang", Role.DISPATCHER)
    await account(writer, "li", Role.DISPATCHER)
    client, other = await signed_in(api, "wang"), await signed_in(api, "li")
    mine, theirs = await _key(client, "mine"), await _key(other, "theirs")
    body = {"old": PASSWORD, "new": OTHER, **asked}
    assert (await client.put("/v1/me/password", json=body)).status_code == 204
    assert (await api.get("/v1/alerts", headers=mine)).status_code == status
    assert (await api.get("/v1/alerts", headers=theirs)).status_code == 200
    detail = await writer.fetchval("SELECT detail FROM audit WHERE action = 'password.change'")
    assert ("keys_revoked" in detail) is (status == 401)


@pytest.mark.parametrize(
    ("asked", "ended"), [(None, 0), ({}, 0), ({"revoke_keys": False}, 0), ({"revoke_keys": True}, 2)]
)
async def test_a_reset_takes_the_keys_with_it_if_asked(
    api: Api, writer: asyncpg.Connection, asked: dict[str, bool] | None, ended: int
) -> None:
    await account(writer, "security", Role.SECURITY_ADMIN)
    await account(writer, "wang", Role.DISPATCHER)
    admin, client = await signed_in(api, "security"), await signed_in(api, "wang")
    keys = [await _key(client, name) for name in ("one", "two")]
    answer = await admin.post("/v1/accounts/acc_wang/reset-password", json=asked)
    assert (answer.status_code, answer.json()["keys_revoked"]) == (200, ended)
    for key in keys:
        assert (await api.get("/v1/alerts", headers=key)).status_code == (401 if ended else 200)
    wrong = await admin.post("/v1/accounts/acc_wang/reset-password", json={"revoke_keys": "yes"})
    assert wrong.status_code == 400
