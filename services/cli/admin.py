"""`roadwatch admin`: accounts and keys from the machine that runs the system, for the first account and for when nobody can sign in; and ingest, when it is held.

It speaks to the database, not to the api, under the same rules (services/api/accounts/changes.py) and with the same audit, as the actor "system".
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncpg
import msgspec
import typer

from services.api.accounts import changes
from services.api.accounts.bodies import LOGIN
from services.api.accounts.changes import SYSTEM
from services.api.identity import Role
from services.api.problems import Problem, document
from services.cli.admin_first import demo_accounts, first_account
from services.cli.logins import machine_user
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.runtime.servers.running import adopt
from services.runtime.settings import Settings
from services.store import administration, audit, guard
from services.store.connect import Conn, connection
from services.store.times import to_ms

FAILED, WRONG, REFUSED = 1, 2, 3
T = TypeVar("T")

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, help="账号、密钥与接入 Accounts, keys, ingest."
)
Data = Annotated[Path, typer.Option(help="of `roadwatch up` 数据目录")]
LoginName = Annotated[str, typer.Argument(metavar="LOGIN", help="登录名")]
Listed = Annotated[str, typer.Option(help="comma-separated; left out: all 逗号分隔,缺省为全部")]
DATA = Path(".local")


@app.command()
def create(
    login: LoginName,
    role: Annotated[Role, typer.Option(help="what it is for 角色")],
    name: Annotated[str, typer.Option(help="what others read 姓名或名称")],
    divisions: Listed = "",
    operators: Listed = "",
    classes: Listed = "",
    subject: Annotated[
        str, typer.Option(help="`sub` at the identity provider; then no password 统一身份标识")
    ] = "",
    data: Data = DATA,
) -> None:
    """Make an account; prints its first password, once. 创建账号,并显示一次初始密码。"""
    if not LOGIN.fullmatch(login):
        _say(
            f"登录名 login {login!r}: 小写字母、数字与 . _ @ - lower-case letters, digits and . _ @ -, 2 to 64"
        )
        raise typer.Exit(WRONG)
    wanted = changes.Wanted(
        login=login, name=name, role=role, divisions=_parts(divisions), operators=_parts(operators), classes=_parts(classes),
        oidc_subject=subject or None,
    )  # fmt: skip

    async def work(conn: Conn) -> str | None:
        made = await changes.create(conn, wanted)
        await _write(conn, "account.create", made.row["id"], {"login": login, "role": role.value})
        return made.first_password

    password = _run(data, work)
    print(f"已创建 made: {login} ({role.value})")
    if password is not None:
        _tell_password(password)


@app.command("list")
def list_(
    data: Data = DATA,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="for programs 供程序读取")] = False,
) -> None:
    """Show all accounts. 列出账号。"""
    found = _run(data, lambda conn: administration.page(conn, limit=100_000))
    if as_json:
        print(msgspec.json.encode([_shown(row) for row in found]).decode())
        return
    for row in found:
        scope = " ".join(f"{part}={','.join(row[part])}" for part in changes.SCOPE if row[part] is not None)
        print(f"{row['login']:<20} {row['role']:<15} {_standing(row):<9} {row['name']}  {scope}".rstrip())


@app.command()
def disable(login: LoginName, data: Data = DATA) -> None:
    """Take an account's access away at once; nothing of it is lost. 停用账号。"""
    _change(login, data, {"active": False}, "已停用 disabled")


@app.command()
def enable(login: LoginName, data: Data = DATA) -> None:
    """Give a disabled account its access back. 启用账号。"""
    _change(login, data, {"active": True}, "已启用 enabled")


@app.command()
def unlock(login: LoginName, data: Data = DATA) -> None:
    """Lift the lock of five wrong tries. 解锁账号。"""

    async def work(conn: Conn) -> None:
        account = await _id(conn, login)
        await changes.unlock(conn, account)
        await _write(conn, "account.unlock", account, {})

    _run(data, work)
    print(f"已解锁 unlocked: {login}")


@app.command()
def reset(
    login: LoginName,
    data: Data = DATA,
    *,
    revoke_keys: Annotated[
        bool, typer.Option("--revoke-keys", help="end its keys, too 同时停用密钥")
    ] = False,
) -> None:
    """Give a new first password and sign the account out; ends one-time codes and a link to the identity provider, too. 重置密码。"""

    async def work(conn: Conn) -> str:
        row, password = await changes.reset_password(conn, await _id(conn, login), by=SYSTEM)
        ended = await administration.revoke_keys(conn, row["id"], now_ms()) if revoke_keys else []
        await _write(conn, "account.reset-password", row["id"], {"keys_revoked": ended} if ended else {})
        return password

    _tell_password(_run(data, work))


@app.command()
def key(
    login: LoginName,
    name: Annotated[str, typer.Option(help="what it is for 用途")],
    scopes: Annotated[str, typer.Option(help="permissions, comma-separated 权限,逗号分隔")],
    networks: Annotated[
        str, typer.Option(help="may be used from, comma-separated; left out: anywhere 来源网段")
    ] = "",
    days: Annotated[
        int, typer.Option(min=1, max=changes.MOST_KEY_DAYS, help="good for 有效天数")
    ] = changes.KEY_DAYS,
    data: Data = DATA,
) -> None:
    """Make an API key; prints it, once. 创建接口密钥,并显示一次。"""
    at_ms = now_ms()
    wanted = changes.WantedKey(
        name=name, scopes=_parts(scopes) or [], networks=_parts(networks) or [], expires_ms=at_ms + days * changes.DAY_MS
    )  # fmt: skip

    async def work(conn: Conn) -> tuple[asyncpg.Record, str]:
        account = await _id(conn, login)
        row, made = await changes.add_key(conn, account, wanted, at_ms, by=SYSTEM)
        await _write(
            conn, "key.create", row["id"], {"account": account, "name": name, "scopes": row["scopes"]}
        )
        return row, made

    row, made = _run(data, work)
    _say(f"密钥 key of {login}, 至 until {iso(to_ms(row['expires_at']))}; 只显示一次 shown once")
    print(made)


@app.command(hidden=True)
def demo(
    logins: Annotated[Path, typer.Option(help="where they are kept 保存位置")], data: Data = DATA
) -> None:
    """Make an account of every role that is not there yet. 演示账号。"""
    _run(data, lambda conn: demo_accounts(conn, logins))


@app.command(hidden=True)
def first(out: Annotated[Path, typer.Option(help="for its password 保存位置")], data: Data = DATA) -> None:
    """Make the first security administrator if there is no account. 首个安全管理员。"""
    _run(data, lambda conn: first_account(conn, out))


ingest = typer.Typer(help="接入 What takes reports.")
app.add_typer(ingest, name="ingest")


@ingest.callback()
def _ingest() -> None:
    """接入 What takes reports."""


@ingest.command()
def resume(data: Data = DATA) -> None:
    """Let ingest go on that has stopped because too many reports were kept out. 让因拒收过多而暂停的接入继续。"""

    async def work(conn: Conn) -> guard.Guard | None:
        before = await guard.read(conn)
        if not await guard.resume(conn):
            return None
        detail = {"reports": before.reports, "kept_out": before.kept_out, "reasons": before.reasons}
        await _write(conn, "ingest.resume", "ingest", detail)
        return before

    before = _run(data, work)
    if before is None:
        _say("接入没有暂停 ingest is not held: nothing to resume")
        raise typer.Exit(REFUSED)
    print(
        f"接入继续 ingest goes on; 暂停时 it was held for {before.kept_out} of {before.reports} reports kept out"
    )


def _change(login: str, data: Path, given: dict[str, Any], said: str) -> None:
    async def work(conn: Conn) -> None:
        account = await _id(conn, login)
        await changes.change(conn, account, given, by=SYSTEM, version=None, now_ms=now_ms())
        await _write(conn, "account.change", account, given)

    _run(data, work)
    print(f"{said}: {login}")


async def _id(conn: Conn, login: str) -> str:
    found = await administration.id_of(conn, login)
    if found is None:
        raise Problem("account-not-found", {"id": login})
    return found


async def _write(conn: Conn, action: str, target: str, detail: dict[str, Any]) -> None:
    entry = audit.Entry(
        at_ms=now_ms(), actor=SYSTEM, actor_name="roadwatch admin", action=action, object=target, detail=audit.detail(detail),
        credential=audit.Credential.COMMAND, credential_id=machine_user(),
    )  # fmt: skip
    await audit.append(conn, entry)


def _run(data: Path, work: Callable[[Conn], Awaitable[T]]) -> T:
    """Do it in one transaction; leave with 1 when the database is away, with 3 when it is refused."""
    adopt(data)
    try:
        return asyncio.run(_transaction(Settings().database_url, work))
    except Problem as problem:
        for language in ("zh", "en"):
            found = document(problem, language)
            _say(" ".join([found["detail"], *(fault["detail"] for fault in found.get("errors", ()))]))
        raise typer.Exit(REFUSED) from problem
    except asyncpg.UndefinedTableError as error:
        _say("数据库结构未建立 the schema is not there: roadwatch migrate")
        raise typer.Exit(FAILED) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        _say(
            f"数据库不可达 the database does not answer: {error}; roadwatch up, or set ROADWATCH_DATABASE_URL"
        )
        raise typer.Exit(FAILED) from error


async def _transaction(url: str, work: Callable[[Conn], Awaitable[T]]) -> T:
    conn = await connection(url, name="roadwatch admin")
    try:
        async with conn.transaction():
            return await work(conn)
    finally:
        await conn.close(timeout=10)


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    names = ("id", "login", "name", "role", "active", "must_change", "totp", *changes.SCOPE)
    return {name: row[name] for name in names}


def _standing(row: asyncpg.Record) -> str:
    if not row["active"]:
        return "disabled"
    locked = row["locked_until"] is not None and to_ms(row["locked_until"]) > now_ms()
    return "locked" if locked else "active"


def _parts(text: str) -> list[str] | None:
    return [part.strip() for part in text.split(",") if part.strip()] or None


def _tell_password(password: str) -> None:
    _say("初始密码,首次登录须修改,只显示一次 first password, to be changed at the first sign-in, shown once:")
    print(password)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    try:
        typer.main.get_command(app)(args=list(arguments), prog_name="roadwatch admin")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0
