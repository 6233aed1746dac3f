"""How right the rules are: a simulated day judged by `roadwatch judge` and compared with the truth the simulator wrote beside it.

    python -m services.cli.benchmarks.truth [--vehicles 2000] [--seed 1] [--keep DIR]

Prints a table of precision and recall, then every miss and every false one by reason; exit code 1 if one has none.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.options import run_typer
from services.simulator.compare import Score, compare
from services.simulator.run import NOTES, POSITIONS, TRUTH

FAILED = 1
JUDGED = "judged.jsonl"
INPUTS = {"vehicles": "vehicles.csv", "roads": "roads.geojson", "routes": "routes.geojson",
          "assignments": "assignments.csv", "zones": "zones.geojson", "rules": "rules.json"}  # fmt: skip
SHOWN = 20


def truth(
    vehicles: Annotated[int, typer.Option(min=1, help="how many 车辆数")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="随机种子")] = 1,
    keep: Annotated[
        Path | None, typer.Option(help="keep the files here; a day found here is used 保留目录")
    ] = None,
    *,
    frank: Annotated[bool, typer.Option("--frank", help="as of `roadwatch simulate` 如实刷卡")] = False,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="passed on to `roadwatch judge`, after --")
    ] = None,
) -> None:
    """Precision and recall of every rule on a simulated day. 准确率与召回率。"""
    with tempfile.TemporaryDirectory(prefix="roadwatch-truth-") as temporary:
        folder = keep or Path(temporary)
        if not (folder / TRUTH).exists():
            _run(
                "simulate",
                "--out",
                str(folder),
                "--vehicles",
                str(vehicles),
                "--seed",
                str(seed),
                *(["--frank"] if frank else []),
            )
        files = [part for name, file in INPUTS.items() for part in (f"--{name}", str(folder / file))]
        _run("judge", str(folder / POSITIONS), *files, "--out", str(folder / JUDGED), *(arguments or []))
        scores = compare(*(_read(folder / name) for name in (TRUTH, JUDGED, NOTES)))
    sys.stdout.writelines(line + "\n" for line in table(scores))
    if any(score.unexplained for score in scores):
        raise typer.Exit(FAILED)


def main(arguments: list[str]) -> int:
    """Run it; returns the exit code."""
    return run_typer(truth, "python -m services.cli.benchmarks.truth", arguments)


def table(scores: list[Score]) -> Iterator[str]:
    """The result as a Markdown table and lists."""
    yield "| rule | true | judged | recall | of the provable | precision | unexplained | began late, p5 · p50 · p95 |"
    yield "|---|---|---|---|---|---|---|---|"
    for s in scores:
        yield f"| {s.rule} | {s.true} | {s.judged} | {s.recall:.4f} | {s.provable:.4f} | {s.precision:.4f} | {len(s.unexplained)} | {_late(s.late_s)} |"
    for s in scores:
        for what, counter in (("missed", s.misses), ("false", s.false)):
            yield from (f"- {s.rule}, {what}: {count} × {reason}" for reason, count in counter.most_common())
    for s in scores:
        yield from (f"unexplained: {json.dumps(e, ensure_ascii=False)}" for e in s.unexplained[:SHOWN])


def _late(late_s: list[float]) -> str:
    if not late_s:
        return "-"
    return " · ".join(f"{late_s[int(share * (len(late_s) - 1))]:.0f} s" for share in (0.05, 0.5, 0.95))


def _run(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "services.cli.main", *arguments], check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
