"""Files that hold logins: readable by their owner alone, written whole or not at all."""

import os
import pwd
from collections.abc import Sequence
from pathlib import Path


def read_lines(file: Path) -> list[str]:
    """What such a file holds; nothing if there is none."""
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def keep(file: Path, lines: Sequence[str]) -> None:
    """Put these lines in its place."""
    made = file.with_name(file.name + ".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in lines)
    made.replace(file)


def machine_user() -> str:
    """Who runs this command on the machine, for the audit: the name of the operating system's user, else its number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
