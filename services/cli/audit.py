"""`roadwatch audit verify`: computes the audit's chain anew and compares it with the anchors; exit code 0: whole, 1: not, or not to be read."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import asyncpg
import msgspec
import typer

from services.runtime.servers.running import adopt
from services.runtime.settings import Settings
from services.store import audit_proof
from services.store.connect import connection

FAILED = 1
LIMIT_S = 3600
LIMITS = {
    "statement_timeout": f"{LIMIT_S}s",
    "idle_in_transaction_session_timeout": f"{LIMIT_S}s",
}
REASONS = {
    "hash": "内容与校验值不符 its hash does not fit its content and the row before",
    "missing": "缺少该行 the row is missing",
    "order": "序号不连续 its number does not follow",
    "head": "末尾被截断或添加 rows were cut off or added at the end",
    "anchor": "与锚定记录不符 differs from the anchor: the chain was made anew",
    "cut": "锚定记录之后的行缺失 an anchor names a row that is no longer there",
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help="审计记录 The audit.")


@app.callback()
def group() -> None:
    """审计记录 The audit."""


@app.command()
def verify(
    anchors: Annotated[
        Path | None, typer.Option(help="compare with these, too; in `up` it is <data>/audit.anchors 锚定文件")
    ] = None,
    data: Annotated[Path, typer.Option(help="of `roadwatch up` 数据目录")] = Path(".local"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="for programs 供程序读取")] = False,
) -> None:
    """Prove that no row was changed, removed, added or moved. 校验审计记录是否完整。"""
    adopt(data)
    try:
        named = audit_proof.read_anchors(anchors) if anchors else []
        proof = asyncio.run(_proof(Settings().database_url, named))
    except audit_proof.BadAnchors as error:
        _say(f"锚定文件有误 the anchors are wrong: {error}")
        raise typer.Exit(FAILED) from error
    except asyncpg.UndefinedTableError as error:
        _say("数据库结构未建立 the schema is not there: roadwatch migrate")
        raise typer.Exit(FAILED) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        _say(f"不可读 cannot be read: {error}")
        raise typer.Exit(FAILED) from error
    if as_json:
        print(msgspec.json.encode(proof).decode())
    elif proof.reason is None:
        print(f"完整 whole: {proof.rows:,} rows 行, {proof.anchors:,} anchors 锚定")
    else:
        print(
            f"已被改动 broken at row {proof.broken:,} 行: {REASONS[proof.reason]} ({proof.rows:,} rows before it are right 行此前完好)"
        )
    raise typer.Exit(0 if proof.reason is None else FAILED)


async def _proof(url: str, anchors: list[audit_proof.Anchor]) -> audit_proof.Proof:
    conn = await connection(url, name="roadwatch audit", command_timeout_s=LIMIT_S, server_settings=LIMITS)
    try:
        return await audit_proof.prove(conn, anchors)
    finally:
        await conn.close(timeout=10)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    try:
        typer.main.get_command(app)(args=list(arguments), prog_name="roadwatch audit")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    return 0
