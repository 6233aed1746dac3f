"""`roadwatch bench`: the speed table; medians of several runs, each beside its bare limit measured in the same run."""

import asyncio
import importlib
import sys
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from services.cli.benchmarks.base import Bench, Result
from services.cli.options import run_typer

NAMES = ("ingest", "per_cpu", "judge", "recorder", "road", "latency", "state")


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"of {', '.join(NAMES)}; all if none 项目")
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="for programs 供程序读取")] = False,
) -> None:
    """Measure on private servers; takes some minutes. 在私有服务器上测量, 需要几分钟。"""
    unknown = set(names or ()) - set(NAMES)
    if unknown:
        raise typer.BadParameter(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    results = asyncio.run(_all(names or list(NAMES)))
    if json:
        sys.stdout.write(msgspec.json.encode(results).decode() + "\n")
    else:
        Console().print(_table(results))


async def _all(names: list[str]) -> list[Result]:
    results: list[Result] = []
    with Bench() as shared:
        for place, name in enumerate(names, 1):
            sys.stderr.write(f"[{place}/{len(names)}] {name} ...\n")
            found = await importlib.import_module(f"services.cli.benchmarks.{name}").run(shared)
            results += found
            for row in found:
                sys.stderr.write(f"      {row.value:,.1f} {row.unit}\n")
    return results


def _table(results: list[Result]) -> Table:
    table = Table(title="Roadwatch bench")
    for column in ("name", "median", "unit", "min", "max", "p99", "limit", "ratio", "runs", "note"):
        table.add_column(column, overflow="fold")
    for row in results:
        figures = (_shown(figure) for figure in (row.min, row.max, row.p99, row.limit))
        low, high, p99, limit = figures
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(
            row.name, _shown(row.value), row.unit, low, high, p99, limit, ratio, str(row.runs), row.note
        )
    return table


def _shown(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.1f}"


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(bench, "roadwatch bench", arguments)
