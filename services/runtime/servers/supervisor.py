"""Keeps a set of child processes running: starts them, starts again what dies (ever more patiently), stops them all.

It decides only by what it can see: whether a process lives, and the status file that each service rewrites about once a second
(services/runtime/status.py). Time is an argument of `Attempts`, so the back-off is tested without waiting.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep

import msgspec

from services.runtime.clock import NS_PER_MS, monotonic_s
from services.runtime.servers.process import Child, Say, log_tail

POLL_S = 0.1
STOP_WITHIN_S = 20.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
HEALTHY_S = 60.0  # who ran this long before it died is given the first pause again
REMIND_EVERY_S = 10.0
FRESH_MS = 10_000  # a status file older than this says nothing any more; services write each second
ROTATE_BYTES = 64 * 1024 * 1024


class ServiceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A service about itself, as its status file says it."""

    name: str
    pid: int
    ready: bool
    lag: int = 0
    restarts: int = 0
    detail: dict[str, object] = {}


@dataclass(slots=True)
class Attempts:
    """When a process that died is started again: after 0.5 s, 1 s, 2 s ... 30 s, from the beginning once it has run a minute."""

    restarts: int = 0
    failures: int = 0
    started_s: float = 0.0

    def pause_s(self, now_s: float) -> float:
        """Note a death at `now_s`; gives the seconds to wait."""
        self.failures = 0 if now_s - self.started_s >= HEALTHY_S else self.failures
        self.failures += 1
        self.restarts += 1
        return min(FIRST_PAUSE_S * 2.0 ** (self.failures - 1), LONGEST_PAUSE_S)


@dataclass(slots=True)
class Service:
    """One supervised process. `waited_for`: the system is ready only when it says so; `once`: exit code 0 is a good end."""

    name: str
    command: Sequence[str]
    log: Path
    status_file: Path
    waited_for: bool = True
    once: bool = False
    done: bool = False  # a `once` that has ended well: nobody waits for it any more
    attempts: Attempts = field(default_factory=Attempts)
    child: Child = field(init=False)
    start_at_s: float | None = 0.0
    """When to start it (monotonic); None: it runs, or is done."""

    def __post_init__(self) -> None:
        """Its handle; SIGTERM first."""
        self.child = Child(self.name, self.log, [(signal.SIGTERM, STOP_WITHIN_S)])

    def ready(self) -> bool:
        """Whether the process that runs now (not its predecessor) says that it can do its work."""
        status = read_status(self.status_file)
        return status is not None and status.ready and status.pid == self.child.pid


def read_status(file: Path) -> ServiceStatus | None:
    """A status file; None while it is missing or unreadable."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=ServiceStatus)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def written_ms(file: Path) -> int:
    """When the file was last written, Unix ms; 0 if it is not there."""
    return file.stat().st_mtime_ns // NS_PER_MS if file.exists() else 0


class Supervisor:
    """Runs services until told to stop; single-threaded, call `tick` a few times a second."""

    def __init__(self, env: Mapping[str, str], say: Say) -> None:
        """`env` is added to the environment of every service."""
        self.env, self._say = dict(env), say
        self.services: list[Service] = []

    def add(self, service: Service) -> None:
        """Start it at the next `tick`."""
        service.status_file.parent.mkdir(parents=True, exist_ok=True)
        service.status_file.unlink(missing_ok=True)
        self.services.append(service)

    def tick(self) -> None:
        """Start what is due, notice what died."""
        now_s = monotonic_s()
        for service in self.services:
            if service.start_at_s is not None:
                if now_s >= service.start_at_s:
                    self._start(service, now_s)
            elif (code := service.child.exit_code) is not None:
                self._died(service, code, now_s)

    def wait_ready(self, look: Callable[[], None] | None = None) -> None:
        """Tick (or `look`, which ticks and more) until every service that is waited for is ready; says now and then who is not."""
        begun_s = reminded_s = monotonic_s()
        while waiting := self.not_ready():
            (look or self.tick)()
            sleep(POLL_S)
            if monotonic_s() - reminded_s >= REMIND_EVERY_S:
                reminded_s = monotonic_s()
                self._say(f"等待 waiting for {', '.join(waiting)} ({reminded_s - begun_s:.0f} s)")

    def not_ready(self) -> list[str]:
        """Names of the services that are waited for and not ready."""
        return [service.name for service in self.services if service.waited_for and not service.ready()]

    def restarts(self) -> dict[str, int]:
        """How often each service was started again, in the order in which they were added; one that is done is none any more."""
        return {service.name: service.attempts.restarts for service in self.services if not service.done}

    def restart_all(self) -> None:
        """Stop every service and start it again at the next `tick`; for a changed environment."""
        self.stop()
        for service in self.services:
            service.start_at_s, service.done = 0.0, False

    def stop(self) -> None:
        """Stop all services, all asked at once, latest first; their status files go with them."""
        for service in reversed(self.services):
            if pid := service.child.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        for service in reversed(self.services):
            service.child.stop()
            service.status_file.unlink(missing_ok=True)

    def _start(self, service: Service, now_s: float) -> None:
        if service.log.exists() and service.log.stat().st_size > ROTATE_BYTES:
            service.log.replace(service.log.with_suffix(".log.1"))
        own = {"ROADWATCH_STATUS_FILE": str(service.status_file), "ROADWATCH_PROCESS": service.name}
        service.child.start(service.command, env=self.env | own)
        service.start_at_s, service.attempts.started_s = None, now_s

    def _died(self, service: Service, code: int, now_s: float) -> None:
        if service.once and code == 0:
            service.child.stop()
            service.status_file.unlink(missing_ok=True)
            service.done = True
            self._say(f"{service.name}: 完成 done")
            return
        pause_s = service.attempts.pause_s(now_s)
        how = f"信号 signal {signal.Signals(-code).name}" if code < 0 else f"退出码 exit code {code}"
        self._say(f"{service.name}: 已退出 died ({how}), {pause_s:g} s 后重启 starting again; {service.log}")
        if service.attempts.failures == 1 and (tail := log_tail(service.log)):
            self._say("\n".join(f"  | {line}" for line in tail.splitlines()[-8:]))
        service.status_file.unlink(missing_ok=True)
        service.child.stop()
        service.start_at_s = now_s + pause_s
