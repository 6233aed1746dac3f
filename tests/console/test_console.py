"""The console as it is built: its own unit tests, what it weighs, and that nothing it is made of comes from elsewhere."""

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "services" / "api" / "console"
DIST = CONSOLE / "dist"
MOST_GZIP = 450_000
"""Bytes of all scripts and styles, without the map's worker."""
FOREIGN = re.compile(rb"""(?:src|href|url\(|import\(|fetch\()\s*=?\s*["'(]?https?://""")


def npm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Npm in the console's folder."""
    return subprocess.run(
        [str(ROOT / "deploy" / "local" / "npm.sh"), *arguments], capture_output=True, text=True, check=False, timeout=110
    )  # fmt: skip


def test_its_own_tests_pass() -> None:
    done = npm("run", "test", "--", "--reporter=dot")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_its_types_of_the_api_are_those_of_the_frozen_document() -> None:
    done = npm("run", "schema", "--", "--check")
    assert done.returncode == 0, "docs/openapi.json has changed: deploy/local/npm.sh run schema"


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (CONSOLE / "package-lock.json").read_text()


def test_it_is_small_enough() -> None:
    parts = [
        file
        for file in (DIST / "assets").iterdir()
        if file.suffix in (".js", ".css") and "worker" not in file.name
    ]
    assert parts, "not built: make install"
    assert sum(len(gzip.compress(file.read_bytes())) for file in parts) <= MOST_GZIP


@pytest.mark.parametrize("file", ["index.html", "docs.html"])
def test_its_documents_hold_nothing_inline(file: str) -> None:
    text = (DIST / file).read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    assert not FOREIGN.search(text.encode())


def test_the_offline_map_is_part_of_it() -> None:
    index = json.loads((DIST / "basemap" / "index.json").read_bytes())
    assert [entry["file"] for entry in index["files"]] == ["china.json", "region.json"]
    assert all((DIST / "basemap" / entry["file"]).stat().st_size > 10_000 for entry in index["files"])
