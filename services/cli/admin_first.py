"""The accounts that `roadwatch up` makes: of every role for the demo, else one security administrator, who makes the others.

Passwords are drawn anew for each system and pass through files that only their owner may read: no two systems share one, no log holds one.
"""

from pathlib import Path

from services.api.accounts import changes
from services.api.accounts.changes import Wanted
from services.api.identity import Role
from services.cli.logins import keep, machine_user, read_lines
from services.runtime.clock import now_ms
from services.store import administration, audit
from services.store.connect import Conn

DEMO = (
    Wanted(login="dispatcher", name="张调度", role=Role.DISPATCHER, divisions=["64"]),
    Wanted(login="night", name="王夜班", role=Role.DISPATCHER, divisions=["64"]),
    Wanted(login="supervisor", name="李主任", role=Role.SUPERVISOR, divisions=["64"]),
    Wanted(login="authority", name="银川市交通运输局", role=Role.AUTHORITY, divisions=["6401"]),
    Wanted(
        login="enterprise", name="塞上行长途客运公司", role=Role.ENTERPRISE, operators=["塞上行长途客运公司"]
    ),
    Wanted(login="partner", name="合作平台", role=Role.PARTNER, divisions=["64"]),
    Wanted(login="system", name="系统管理员", role=Role.SYSTEM_ADMIN),
    Wanted(login="security", name="安全管理员", role=Role.SECURITY_ADMIN),
    Wanted(login="audit", name="审计管理员", role=Role.AUDIT_ADMIN),
)
FIRST = Wanted(login="security", name="安全管理员", role=Role.SECURITY_ADMIN)


async def demo_accounts(conn: Conn, file: Path) -> None:
    """Make those of DEMO that are not there; `file` holds a line for each that was ever made: login, password, role, name.

    The file is written before the commit: a password that nobody knows would be worse than one too many.
    """
    lines = {line.split()[0]: line for line in read_lines(file)}
    for wanted in DEMO:
        if await administration.id_of(conn, wanted.login) is not None:
            continue
        made = await changes.create(conn, wanted, must_change=False)
        await _write(conn, made.row["id"], wanted)
        lines[wanted.login] = (
            f"{wanted.login:<11} {made.first_password}  {wanted.role.value:<15} {wanted.name}"
        )
    keep(file, list(lines.values()))


async def first_account(conn: Conn, file: Path) -> None:
    """Make FIRST if there is no account at all; `file` then holds its login and first password, for `up` to print and remove."""
    if await administration.any_account(conn):
        return
    made = await changes.create(conn, FIRST)
    await _write(conn, made.row["id"], FIRST)
    keep(file, [f"{FIRST.login} {made.first_password}"])


async def _write(conn: Conn, account_id: str, wanted: Wanted) -> None:
    detail = audit.detail({"login": wanted.login, "role": wanted.role.value})
    entry = audit.Entry(
        at_ms=now_ms(), actor="system", actor_name="roadwatch up", action="account.create", object=account_id, detail=detail,
        credential=audit.Credential.COMMAND, credential_id=machine_user(),
    )  # fmt: skip
    await audit.append(conn, entry)
