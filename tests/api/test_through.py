"""What a reader of a narrow scope can be sure of: `through` of the pull feed and of the stream, while others write."""

import asyncio

import asyncpg
import pytest

from services.api import hub
from services.api.identity import Role
from services.store.connect import connection
from tests.api.accounts import account, signed_in
from tests.api.support import Api, event, open_stream, put

WRITERS, EACH = 4, 40


async def write(database_url: str, name: int) -> None:
    """Events of two divisions by turns, in transactions that overlap those of the other writers."""
    conn = await connection(database_url)
    try:
        for n in range(EACH):
            division = "630100" if (n + name) % 3 else "640100"
            await put(conn, [event(f"alr_{name}_{n}", division=division)])
            await asyncio.sleep(0)
    finally:
        await conn.close()


async def test_everything_of_ones_own_up_to_through_was_in_the_pages_while_others_write(
    api: Api, writer: asyncpg.Connection, database_url: str
) -> None:
    await put(writer, [event("alr_first")])  # the division is in use when the reader's scope is worked out
    await account(writer, "narrow", Role.PARTNER, divisions=["64"])
    client = await signed_in(api, "narrow")
    writing = [asyncio.create_task(write(database_url, name)) for name in range(WRITERS)]
    had: list[int] = []
    pages: list[tuple[int, int]] = []
    after = 0
    while after < WRITERS * EACH + 1:
        page = (await client.get("/v1/events", params={"after": after, "limit": 3})).json()
        had += [item["seq"] for item in page["items"]]
        assert page["through"] == page["last"] >= max([after, *had])
        pages.append((page["through"], len(had)))
        after = page["through"]
    await asyncio.gather(*writing)
    own = [row["seq"] for row in await writer.fetch(
        "SELECT e.seq FROM alert_event e JOIN alert a ON a.id = e.alert_id WHERE a.division = '640100' ORDER BY e.seq"
    )]  # fmt: skip
    assert had == own
    assert len(own) < WRITERS * EACH, "there are holes"
    for through, count in pages:
        assert had[:count] == [seq for seq in own if seq <= through], "each page keeps its word"


async def test_a_heartbeat_says_through_which_number_nothing_of_ones_own_is_lacking(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "HEARTBEAT_S", 0.2)
    await put(writer, [event("own"), *(event(f"other_{n}", rule="fatigue") for n in range(4))])
    async with open_stream(api.port, "/v1/alerts/stream?after=0&rule=speeding") as stream:
        seen: list[int] = []
        through = -1
        while through < 5:
            block = await stream.block()
            assert block is not None
            if block.event == "alert.opened":
                seen.append(block.body["seq"])
            for comment in block.comments:
                if comment.startswith("through "):
                    through = int(comment.removeprefix("through "))
                    assert seen == [1]
    assert through == 5
