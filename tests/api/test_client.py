"""The typed client of `make client`: it is generated, mypy accepts a program that uses it, and that program works against a running api."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
import pytest

from services.api.identity import Role
from services.api.passwords import new_key
from tests.api import page
from tests.api.accounts import account
from tests.api.support import Api, event, put

ROOT = Path(__file__).parents[2]
TOOL = ROOT / ".local" / "client-tool" / "bin" / "python"
PROGRAM = """
import sys

from roadwatch_client import AuthenticatedClient
from roadwatch_client.api.alerts import get_alert, list_alerts
from roadwatch_client.api.events import list_events
from roadwatch_client.api.handling import acknowledge_alert
from roadwatch_client.models import Alert, AlertPage, EventPage, Problem

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)
page = list_alerts.sync(client=client, limit=10)
assert isinstance(page, AlertPage)
(alert,) = page.items
tag = get_alert.sync_detailed(alert.id, client=client).headers["etag"]
done = acknowledge_alert.sync(alert.id, client=client, body=None, if_match=tag, idempotency_key="once")
assert isinstance(done, Alert) and done.handling == "acknowledged"
again = acknowledge_alert.sync(alert.id, client=client, body=None, if_match=tag)
assert isinstance(again, Problem) and again.status == 412
feed = list_events.sync(client=client, after="0")
assert isinstance(feed, EventPage)
print([event.type_ for event in feed.items])
"""


async def run(*command: str | Path, **environment: str) -> str:
    """What a command printed; it must end well."""
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.timeout(600)
async def test_a_partner_s_program_with_the_generated_client(
    api: Api, writer: asyncpg.Connection, tmp_path: Path
) -> None:
    await run("make", "client")
    program, generated = tmp_path / "program.py", ROOT / ".local" / "client"
    program.write_text(PROGRAM, encoding="utf-8")
    await run(
        ROOT / ".venv/bin/mypy", "--strict", "--config-file=", "--follow-imports=silent", f"--python-executable={TOOL}",
        f"--cache-dir={tmp_path}", program, MYPYPATH=str(generated),
    )  # fmt: skip
    await put(writer, [event("alr_1")])
    owner = await account(writer, "desk", Role.DISPATCHER)
    key, key_id, key_hash = new_key()
    await writer.execute(
        "INSERT INTO api_key (id, key_hash, account, name, scopes, networks) VALUES ($1, $2, $3, 'k', $4, '{}')",
        key_id, key_hash, owner, ["alerts:read", "alerts:ack"],
    )  # fmt: skip
    told = await run(
        TOOL, program, f"http://127.0.0.1:{api.port}", key, PYTHONPATH=str(generated), no_proxy="*"
    )
    assert told.strip() == "['alert.opened', 'alert.acknowledged']"
    (snippet,) = page.blocks("people.md", "python")
    told = await run(
        TOOL,
        "-c",
        snippet,
        PYTHONPATH=str(generated),
        no_proxy="*",
        API=f"http://127.0.0.1:{api.port}",
        KEY=key,
    )
    assert told.split() == ["1", "alert.opened", "alr_1", "2", "alert.acknowledged", "alr_1"]
