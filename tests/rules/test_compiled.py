"""Compiled code that is kept is used again only where nothing it was made of has changed: neighbours' constants are frozen into it."""

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import grimp
import pytest

from services import compiled

ROOT = Path(compiled.__file__).parents[1]
WHAT_NOT_FIXED_IS_USED_FOR = """
from services.contracts.fix import fix_columns
from services.rules.fleet import use_of_device
print(use_of_device(fix_columns(1)[0], 1, 500))
"""
"""Of a fix whose first flag is set, with 50 km/h: 8 (it was reported) while that flag is NOT_FIXED, 24 (and its speed counts) once it is another."""


def answer(tree: Path, variable: str, cache: Path) -> int:
    unset = ("NUMBA_CACHE_DIR", "ROADWATCH_CACHE", "NUMBA_DISABLE_JIT", "PYTHONPATH")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    done = subprocess.run(
        [sys.executable, "-c", WHAT_NOT_FIXED_IS_USED_FOR],
        cwd=tree, env={**environment, variable: str(cache)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("variable", ["ROADWATCH_CACHE", "NUMBA_CACHE_DIR"])
def test_a_flag_of_another_bit_is_seen_with_the_cache_of_before(tmp_path: Path, variable: str) -> None:
    tree, cache = tmp_path / "tree", tmp_path / "cache"
    shutil.copytree(
        ROOT / "services", tree / "services", ignore=lambda _, names: {"console", "__pycache__"} & set(names)
    )
    assert answer(tree, variable, cache) == 8
    kept = {found: found.stat().st_mtime_ns for found in cache.rglob("fleet.use_of_device*.nbc")}
    assert kept
    assert answer(tree, variable, cache) == 8
    assert {
        found: found.stat().st_mtime_ns for found in cache.rglob("fleet.use_of_device*.nbc")
    } == kept  # taken from there

    reasons = tree / "services" / "contracts" / "reasons.py"
    text = reasons.read_text(encoding="utf-8")
    first = '    Reason("NOT_FIXED", F,'
    assert text.count(first) == 1
    reasons.write_text(text.replace(first, f'    Reason("NEW", F, "", ""),\n{first}'), encoding="utf-8")
    assert answer(tree, variable, cache) == 24


@pytest.mark.parametrize("package", compiled.PACKAGES)
def test_the_digest_covers_all_that_a_kernels_modules_import(package: str) -> None:
    covered = {
        ".".join(source.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for source in compiled.sources(package)
    }
    graph = grimp.build_graph("services")
    decorators = {"compiled", "inlined", "compiled_freely"}
    having = {
        module
        for module in graph.find_modules_that_directly_import("services.compiled")
        if module.startswith(f"services.{package}.") and decorators & set(vars(import_module(module)))
    }
    assert having
    read = set().union(*(graph.find_upstream_modules(module) for module in having)) - {"services"}
    assert read <= covered, read - covered
