"""The page for partners: its commands run as they stand, against an api and a deliverer of their own; the page starts its receiver itself."""

import asyncio
import json
from pathlib import Path

import asyncpg
import jsonschema
import pytest

from services.api.webhooks import event_types
from services.runtime.servers.process import free_port
from services.runtime.settings import Settings
from tests.api import page
from tests.api.processes import api_environment, process, status_of
from tests.api.support import TOKEN, event, put

ON_ONE_MACHINE = {"ROADWATCH_WEBHOOK_HTTP": "true", "ROADWATCH_WEBHOOK_PORTS": "any"}
PAGE = page.text("webhooks.md")


def test_its_example_is_of_the_schema() -> None:
    (block,) = page.blocks("webhooks.md", "json")
    told = json.loads(block)
    jsonschema.Draft202012Validator(event_types.schema(told["type"])).validate(told)
    assert told["data"].keys() == event_types.example(told["type"])["data"].keys()


def test_what_it_says_to_set_is_a_setting() -> None:
    assert all(f"{name}={value}" in PAGE for name, value in ON_ONE_MACHINE.items())
    assert page.settings_named(PAGE) <= Settings.model_fields.keys()


@pytest.mark.timeout(300)
async def test_its_commands_run(fresh_database_url: str, conn: asyncpg.Connection, tmp_path: Path) -> None:
    folder, port = page.checkout(tmp_path, TOKEN), free_port()
    status = {name: tmp_path / f"{name}.json" for name in ("api", "webhooks")}
    settings = {
        name: api_environment(fresh_database_url, port, file) | ON_ONE_MACHINE
        for name, file in status.items()
    }
    async with (
        process(**settings["api"]),
        process("services.api.webhooks", **settings["webhooks"]),
    ):
        for file in status.values():
            await status_of(file)
        opening = asyncio.create_task(open_an_alert(conn))
        told = await page.run(
            page.blocks("webhooks.md"), folder, API=f"http://127.0.0.1:{port}", PORT=str(free_port())
        )
        await opening
    assert told.count("genuine") == 2
    received = (folder / "received").read_text()
    assert "endpoint.ping" in received
    assert "alert.opened" in received
    assert await conn.fetchval("SELECT count(*) FROM webhook_endpoint") == 0
    rows = await conn.fetch("SELECT action FROM audit ORDER BY seq")
    assert [row["action"].removeprefix("webhook.") for row in rows] == [
        "network.allow", "create", "enable", "test", "redeliver", "recover", "disable", "enable", "change", "rotate", "delete",
        "network.allow", "network.refuse",
    ]  # fmt: skip


async def open_an_alert(conn: asyncpg.Connection) -> None:
    """As soon as somebody listens."""
    while not await conn.fetchval("SELECT true FROM webhook_endpoint WHERE state = 'active'"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await put(conn, [event("alr_1")])
