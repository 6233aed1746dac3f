"""The commands of the documents' pages, taken out as they stand and run in one shell, as a reader would."""

import asyncio
import contextlib
import os
import re
import signal
import textwrap
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240


def text(name: str) -> str:
    """A page."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def blocks(name: str, language: str = "sh") -> list[str]:
    """The blocks of a page in a language, in order."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", text(name), re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in found]


def settings_named(told: str) -> set[str]:
    """The settings that a page speaks of, as `Settings` names them."""
    return {name.lower() for name in re.findall(r"ROADWATCH_([A-Z_]+)", told)}


def checkout(folder: Path, token: str) -> Path:
    """Make a folder look like the checkout that the pages' commands run in, with a data folder of its own."""
    for name in (".venv", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".local").mkdir()
    (folder / ".local" / "token").write_text(token)
    return folder


async def run(commands: Sequence[str], folder: Path, **environment: str) -> str:
    """Run blocks in one shell; gives what they print. Whatever fails ends it, and the test."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", "\n".join(commands), cwd=folder, env=os.environ | environment, start_new_session=True,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, errors = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what a page starts in the background
    assert process.returncode == 0, errors.decode()[-3000:] + output.decode()[-3000:]
    return output.decode()
