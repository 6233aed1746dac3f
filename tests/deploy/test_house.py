"""House rules that no linter counts: one package of ours, short functions and files, a first sentence in every file, nothing of this machine."""

import ast
import importlib.metadata
import subprocess
from functools import cache
from pathlib import Path

import services

ROOT = Path(__file__).parents[2]
FUNCTION_LINES, FILE_LINES = 40, 400
TABLES = ("services/store/migrations/versions/",)
"""A migration is history and reads as one list."""


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of ours by its path."""
    return {
        str(file.relative_to(ROOT)): ast.parse(file.read_text())
        for file in sorted((ROOT / "services").rglob("*.py"))
    }


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to its last line, without the docstring."""
    first = function.body[0]
    has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def test_the_package_is_ours_alone() -> None:
    """`services` is a common name: a rival distribution would overwrite ours without a word."""
    assert len(list(services.__path__)) == 1
    assert set(importlib.metadata.packages_distributions().get("services", ["roadwatch"])) == {"roadwatch"}


def test_functions_are_short() -> None:
    long = {
        f"{path}:{node.lineno} {node.name}": lines
        for path, module in modules().items()
        if not path.startswith(TABLES)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (lines := code_lines(node)) > FUNCTION_LINES
    }
    assert long == {}


def test_files_are_short() -> None:
    long = {
        path: lines
        for path in modules()
        if not path.startswith(TABLES)
        if (lines := (ROOT / path).read_text().count("\n")) > FILE_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    assert [path for path, module in modules().items() if not ast.get_docstring(module)] == []


def test_no_path_of_a_developers_machine_is_committed() -> None:
    personal = r"(^|[\"'\` (=])/(home|root|Users|work|mnt)/[a-z]"
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "grep", "-nE", personal, "--", ":!tests/deploy/test_house.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode in {0, 1}, listed.stderr
    assert listed.stdout == ""
