"""Who somebody is, read before a change and not yet remembered when it is made, is not remembered after it."""

import asyncio
from typing import Any

import asyncpg
import pytest

from services.api.identity import Role
from services.store import accounts
from tests.api.accounts import account, signed_in
from tests.api.support import Api, until


async def test_a_session_read_while_its_account_is_disabled_is_not_remembered(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await account(writer, "reader", Role.DISPATCHER)
    client = await signed_in(api, "reader")
    real, read, gate = accounts.by_session, [], asyncio.Event()

    async def slow(*given: Any) -> Any:
        row = await real(*given)
        read.append(row)
        await gate.wait()
        return row

    monkeypatch.setattr(accounts, "by_session", slow)
    asking = asyncio.create_task(client.get("/v1/me"))
    await until(lambda: read)
    answer = await api.client.patch(
        f"/v1/accounts/{owner}", json={"active": False}, headers={"if-match": "*"}
    )
    assert answer.status_code == 200, answer.text
    gate.set()
    await asking
    assert (await client.get("/v1/me")).status_code == 401
