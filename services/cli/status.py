"""`roadwatch status`: is the system up, how far behind is each service, and how much has gone through it.

What a service says of itself counts only while its process lives and its status file is fresh: a frozen process is not ready, whatever it
said last.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from services.contracts.alert import iso
from services.runtime import clock
from services.runtime.servers.running import RunningSystem, adopt
from services.runtime.servers.supervisor import FRESH_MS, read_status, written_ms
from services.runtime.settings import Settings
from services.store import connect, guard, queries

DEADLINE_S = 10.0


def main(arguments: Sequence[str]) -> int:
    """Show whether the system is ready, the lag of its services, and what was counted; 0 when ready, else 1."""
    parser = argparse.ArgumentParser(
        prog="roadwatch status", description="系统状态 What runs, how far it is."
    )
    parser.add_argument("--json", action="store_true", help="for programs 供程序读取")
    parser.add_argument(
        "--data", type=Path, default=Path(".local"), help="of `roadwatch up` [.local] 数据目录"
    )
    options = parser.parse_args(arguments)
    system = adopt(options.data)
    services = _services(options.data, system)
    try:
        counts = asyncio.run(_counts(Settings().database_url))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(
            f"数据库不可达 the database does not answer: {error}; start the system: roadwatch up",
            file=sys.stderr,
        )
        counts = {}
    ready = bool(counts) and bool(services) and all(service["ready"] for service in services)
    report = {"ready": ready, "services": services, **counts}
    print(msgspec.json.encode(report).decode() if options.json else _text(report))
    return 0 if ready else 1


def _services(data: Path, system: RunningSystem | None) -> list[dict[str, Any]]:
    """Every service that is supervised, or that left a status file."""
    found = {file.stem: file for file in sorted((data / "run").glob("*.json"))}
    names = list(system.restarts) if system else []
    return [
        _service(name, data / "run" / f"{name}.json", system.restarts.get(name, 0) if system else 0)
        for name in [*names, *(name for name in found if name not in names)]
    ]


def _service(name: str, file: Path, restarts: int) -> dict[str, Any]:
    said = read_status(file)
    alive = said is not None and _lives(said.pid) and clock.now_ms() - written_ms(file) < FRESH_MS
    return {
        "name": name,
        "pid": said.pid if said and alive else None,
        "ready": bool(said and alive and said.ready),
        "lag": said.lag if said else None,
        "restarts": restarts,
    }


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


async def _counts(database_url: str) -> dict[str, Any]:
    connection = await connect.connection(database_url, name="roadwatch status")
    try:
        return await queries.status_counts(connection) | _guard(await guard.read(connection))
    finally:
        await connection.close(timeout=DEADLINE_S)


def _guard(stands: guard.Guard) -> dict[str, Any]:
    """Added to the report while too many reports are kept out, and only then."""
    if stands.state == guard.QUIET:
        return {}
    since = None if stands.since_ms is None else iso(stands.since_ms)
    figures = {"reports": stands.reports, "kept_out": stands.kept_out, "reasons": stands.reasons}
    return {"guard": {"state": stands.state, "since": since} | figures}


def _guard_lines(stands: dict[str, Any]) -> list[str]:
    """What a person must know of reports kept out."""
    reasons = ", ".join(f"{code} {count:,}" for code, count in stands["reasons"].items())
    what = f"拒收过多 too many reports are kept out: {stands['kept_out']:,} of {stands['reports']:,} since {stands['since']} ({reasons})"
    if stands["state"] == guard.HELD:
        what += "\n    接入已暂停 ingest is held: import what is missing, or roadwatch admin ingest resume"
    return [f"  ✗ {what}"]


def _text(report: dict[str, Any]) -> str:
    lines = ["就绪 ready" if report["ready"] else "未就绪 not ready"]
    lines += [
        f"  {'✓' if service['ready'] else '✗'} {service['name']:<10} pid {service['pid'] or '-':<8} lag {service['lag'] if service['lag'] is not None else '-':<8} "
        f"restarts {service['restarts']}"
        for service in report["services"]
    ]
    if "guard" in report:
        lines += _guard_lines(report["guard"])
    for name in ("reports", "history"):
        if name in report:
            lines.append(f"  {name}: " + ", ".join(f"{key} {value:,}" for key, value in report[name].items()))
    lines += [f"  {name}: {report[name]:,}" for name in ("alerts", "events") if name in report]
    return "\n".join(lines)
