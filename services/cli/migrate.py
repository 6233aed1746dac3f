"""`roadwatch migrate`: the database's schema as this version of the code wants it; running it again changes nothing."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import run_typer
from services.runtime.servers.running import adopt
from services.runtime.settings import Settings
from services.store import migrate as schema

FAILED = 1


def migrate(
    data: Annotated[Path, typer.Option(help="of `roadwatch up` 数据目录")] = Path(".local"),
    wait: Annotated[float, typer.Option(min=0, help="seconds to wait for the database 等待秒数")] = 60.0,
) -> None:
    """Bring the database schema up to date. 升级数据库结构。"""
    adopt(data)
    try:
        revision = schema.migrate(Settings().database_url, wait_s=wait, say=_say)
    except schema.DatabaseUnreachable as error:
        _say(str(error))
        raise typer.Exit(FAILED) from error
    print(f"数据库结构 schema {revision}")


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(migrate, "roadwatch migrate", arguments)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
