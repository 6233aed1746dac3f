"""The page on people: its commands run as they stand, against an api process of their own and its database."""

import re
import stat
from pathlib import Path

import asyncpg
import pytest

from services.api.accounts import changes
from services.api.identity import PERMISSIONS, Role
from services.cli.admin_first import FIRST
from services.runtime.servers.process import free_port
from services.runtime.settings import Settings
from tests.api import page
from tests.api.processes import api_environment, process, status_of
from tests.api.support import TOKEN

PAGE = page.text("people.md")
AUTHENTICATOR = """#!/usr/bin/env python3
import base64, hmac, pathlib, sys, time
used = pathlib.Path(__file__).with_name("used")
step = int(time.time()) // 30 + (1 if used.exists() else 0)   # the code after the one that was used
used.touch()
mac = hmac.digest(base64.b32decode(sys.argv[-1]), step.to_bytes(8, "big"), "sha1")
at = mac[-1] & 15
print(f"{(int.from_bytes(mac[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}")
"""
"""Stands in for `oathtool`, which few machines have; gives the next code without waiting for it."""


def test_its_roles_and_settings_are_the_code_s() -> None:
    told = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert told == [role.value for role in Role]
    assert set(told) == {role.value for role in PERMISSIONS}
    assert page.settings_named(PAGE) <= Settings.model_fields.keys()


@pytest.mark.timeout(300)
async def test_its_commands_run(fresh_database_url: str, conn: asyncpg.Connection, tmp_path: Path) -> None:
    async with conn.transaction():
        first = await changes.create(conn, FIRST)
    folder, port = page.checkout(tmp_path, TOKEN), free_port()
    status = tmp_path / "api.json"
    environment = api_environment(fresh_database_url, port, status) | {
        "ROADWATCH_AUDIT_ANCHOR_FILE": str(folder / ".local" / "audit.anchors")
    }
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "oathtool").write_text(AUTHENTICATOR)
    (tools / "oathtool").chmod(stat.S_IRWXU)
    async with process(**environment):
        await status_of(status)
        told = await page.run(
            [f"PATH={tools}:$PATH", *page.blocks("people.md")], folder, API=f"http://127.0.0.1:{port}",
            FIRST=first.first_password or "", NEXT_CODE_S="0", ROADWATCH_DATABASE_URL=fresh_database_url,
        )  # fmt: skip
    assert re.search(r"^wang +dispatcher +active +王调度 +divisions=6401$", told, re.MULTILINE)
    assert re.search(r"^bot +partner +active +省厅平台 +divisions=64 classes=", told, re.MULTILINE)
    assert told.count("完整 whole") == 2
    rows = await conn.fetch("SELECT action, outcome FROM audit ORDER BY seq")
    assert {row["outcome"] for row in rows} == {"ok"}
    assert [row["action"] for row in rows] == [
        "session.begin", "password.change",
        *("account.create",) * 2, "key.create", *("account.change",) * 2, "account.unlock", "account.reset-password",
        "key.create", "account.create", *("account.change",) * 2, "account.unlock", "account.reset-password",
        "key.create", "key.change", "key.revoke", "key.create", "totp.begin", "totp.end", *("account.create",) * 2, "key.create",
    ]  # fmt: skip
    accounts = {row["login"]: row for row in await conn.fetch("SELECT * FROM account")}
    assert accounts["security"]["must_change"] is False
    assert accounts["security"]["totp_secret"] is None
    assert (accounts["li"]["active"], accounts["li"]["divisions"]) == (True, ["6402", "6403"])
    assert accounts["zhou"]["oidc_subject"] == "248289761001"
