"""What `roadwatch up` tells the other commands: which settings its services run with, and that it still runs.

A lock that the kernel frees with the process says whether it runs: a pid in a file would outlive a SIGKILL and one day name a stranger.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from services.runtime.servers.process import ServerFailed, recall, remember


class RunningSystem(msgspec.Struct, frozen=True, kw_only=True):
    """A system that `roadwatch up` keeps running (`<data>/up.json`)."""

    pid: int
    url: str
    environment: dict[str, str]
    restarts: dict[str, int]
    """Per service, in the order in which they were started."""


@contextmanager
def announced(data: Path) -> Iterator[Path]:
    """Hold the data folder for one `roadwatch up`; gives the file to write `RunningSystem` into.

    Raises:
        ServerFailed: another one runs on this folder.
    """
    data.mkdir(parents=True, exist_ok=True)
    file = data / "up.json"
    with (data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = recall(file, RunningSystem)
            who = f" (pid {other.pid}, {other.url})" if other else ""
            raise ServerFailed(
                "roadwatch up", f"{data} 已在使用 is in use by another one{who}; stop it, or choose --data"
            ) from error
        file.unlink(missing_ok=True)
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)


def announce(file: Path, system: RunningSystem) -> None:
    """Write down what runs."""
    remember(file, system)


def running_system(data: Path) -> RunningSystem | None:
    """The system that runs on this folder; None if none does."""
    system = recall(data / "up.json", RunningSystem)
    if system is None:
        return None
    with (data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return system
    return None


def adopt(data: Path) -> RunningSystem | None:
    """Let this command speak to the system that runs on `data`: its settings fill the `ROADWATCH_*` variables that are not set."""
    system = running_system(data)
    for name, value in (system.environment if system else {}).items():
        os.environ.setdefault(name, value)
    return system
