"""Service processes under somebody else's servers: started, waited for, killed; for benchmarks, journeys and fault campaigns.

A process is named by its kind, `rules`, or by kind and instance, `rules-two`, where several of a kind run beside each other.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from services.runtime.clock import monotonic_s
from services.runtime.servers.supervisor import read_status

MODULES = {
    "ingest": ("services.ingest",),
    "recorder": ("services.ingest", "recorder"),
    "rules": ("services.rules",),
    "api": ("services.api",),
}
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0


class NotReady(RuntimeError):
    """A service did not become ready, or ended; with the end of its log."""


class Processes:
    """Services by name, with one environment; use as a context, which ends all it started."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        """`folder` takes logs and status files."""
        self.env = env
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Nothing is started yet."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, kindly first."""
        for process in self.running.values():
            process.terminate()
        late = []
        for name, process in self.running.items():
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                late.append(f"{name} did not stop within {STOP_WITHIN_S} s\n{self.log(name)}")
        if late and error is None:
            raise NotReady("\n".join(late))

    def start(self, *names: str, wait: bool = True) -> None:
        """Start services that do not run and, unless told not to, wait until they are ready."""
        for name in names:
            (self.folder / f"{name}.json").unlink(missing_ok=True)
            env = {**os.environ, **self.env, **self.environment(name)}
            with (self.folder / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    [sys.executable, "-m", *self.module(name)], env=env, stdout=log, stderr=log
                )
        if wait:
            self.wait_ready(*names)

    def module(self, name: str) -> Sequence[str]:
        """What `python -m` is given for a process."""
        return MODULES[name.partition("-")[0]]

    def environment(self, name: str) -> dict[str, str]:
        """What a process has in its environment for itself alone."""
        return {
            "ROADWATCH_STATUS_FILE": str(self.folder / f"{name}.json"),
            "ROADWATCH_INSTANCE": name.partition("-")[2] or "one",
        }

    def wait_ready(self, *names: str, within_s: float = READY_WITHIN_S) -> None:
        """Wait until each says so itself.

        Raises:
            NotReady: one ended, or the time is over.
        """
        until_s = monotonic_s() + within_s
        for name in names:
            while not self.ready(name):
                if self.running[name].poll() is not None or monotonic_s() > until_s:
                    raise NotReady(f"{name} (exit code {self.running[name].poll()})\n{self.log(name)}")
                time.sleep(0.05)

    def ready(self, name: str) -> bool:
        """Whether the process that runs now says it can do its work."""
        status = read_status(self.folder / f"{name}.json")
        return status is not None and status.ready and status.pid == self.running[name].pid

    def lag(self, names: Sequence[str]) -> int:
        """Sum of the lags that the services last told."""
        found = [read_status(self.folder / f"{name}.json") for name in names]
        return sum(status.lag for status in found if status is not None)

    def kill(self, name: str) -> None:
        """SIGKILL."""
        self.running[name].send_signal(signal.SIGKILL)
        self.running[name].wait()

    def cpu_s(self, name: str) -> float:
        """CPU seconds used so far, user and system."""
        times = psutil.Process(self.running[name].pid).cpu_times()
        return float(times.user + times.system)

    def rss_mib(self, name: str) -> float:
        """Resident memory."""
        return float(psutil.Process(self.running[name].pid).memory_info().rss) / 2**20

    def log(self, name: str, lines: int = 30) -> str:
        """The end of a service's log."""
        file = self.folder / f"{name}.log"
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else ""
