"""Accounts for tests: made in the database as `roadwatch admin` makes them, signed in over HTTP."""

import asyncpg
import httpx2

from services.api.identity import Role
from services.api.passwords import hashed, new_key
from services.store.accounts import NewAccount, add
from tests.api.documented import check
from tests.api.support import DEADLINE_S, Api

PASSWORD = "correct horse battery 9"
HASH = hashed(PASSWORD)


async def account(
    conn: asyncpg.Connection,
    login: str,
    role: Role,
    *,
    divisions: list[str] | None = None,
    operators: list[str] | None = None,
    classes: list[str] | None = None,
    must_change: bool = False,
) -> str:
    """An account with PASSWORD; gives its id."""
    made = NewAccount(
        id=f"acc_{login}", login=login, name=f"账号 {login}", role=role.value, password_hash=HASH, must_change=must_change,
        divisions=divisions, operators=operators, classes=classes,
    )  # fmt: skip
    await add(conn, made)
    return made.id


def browser(api: Api) -> httpx2.AsyncClient:
    """A client with cookies and no token, closed with the api."""
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{api.port}",
        timeout=DEADLINE_S,
        trust_env=False,
        headers={"sec-fetch-site": "same-origin"},
        event_hooks={"response": [check]},
    )
    api.browsers.append(client)
    return client


async def signed_in(api: Api, login: str, password: str = PASSWORD) -> httpx2.AsyncClient:
    """A client signed in as an account."""
    client = browser(api)
    answer = await client.post("/v1/session", json={"login": login, "password": password})
    assert answer.status_code == 200, answer.text
    return client


async def keyed(writer: asyncpg.Connection, login: str, role: Role, scopes: list[str]) -> str:
    """An account with a key; gives the key."""
    owner = await account(writer, login, role)
    key, key_id, key_hash = new_key()
    await writer.execute(
        "INSERT INTO api_key (id, key_hash, account, name, scopes, networks) VALUES ($1, $2, $3, 'k', $4, '{}')",
        key_id, key_hash, owner, scopes,
    )  # fmt: skip
    return key
