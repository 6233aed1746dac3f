"""The services under attack: killed and started again at once, frozen and thawed, and asked what they say of themselves meanwhile."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2
import psutil

from services.cli.benchmarks.system import NotReady, Processes
from services.runtime.clock import monotonic_s
from services.runtime.servers.process import free_port
from tests.faults.frozen import FAILPOINT

FROZEN = "frozen"
"""Instance of a kind that has the failpoint, as in `rules-frozen`."""
LOOK_S = 0.1
START_AGAIN_S = 0.5


class Workers(Processes):
    """`Processes` that start again what ends, by itself or by us, until it is told to leave."""

    def __init__(self, env: dict[str, str], folder: Path, say: Callable[[str], None]) -> None:
        """`say` gets a line for what nobody asked for."""
        super().__init__(env, folder)
        self.say = say
        self.ports: dict[str, int] = {}
        self.ended: list[str] = []
        """Who ended by itself, and how."""

    def module(self, name: str) -> Sequence[str]:
        """As before, but for the instance with the failpoint."""
        kind, _, instance = name.partition("-")
        return ("tests.faults.frozen", kind) if instance == FROZEN else super().module(name)

    def environment(self, name: str) -> dict[str, str]:
        """A metrics port for each; the api has it beside the rest."""
        port = self.ports.setdefault(name, free_port())
        own = {"ROADWATCH_HTTP_PORT": str(port)} if name == "api" else {"ROADWATCH_METRICS_PORT": str(port)}
        return super().environment(name) | own | {FAILPOINT: str(self.failpoint(name))}

    def failpoint(self, name: str) -> Path:
        """The file whose being there freezes it."""
        return self.folder / f"{name}.freeze"

    async def keep(self) -> None:
        """Start again what ends by itself, as `roadwatch up` does; until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            for name, process in list(self.running.items()):
                if process.poll() is not None:
                    last = self.log(name, 1)[-300:]
                    self.ended.append(f"{name}: exit code {process.returncode}: {last}")
                    self.say(f"ended by itself, {self.ended[-1]}")
                    await asyncio.sleep(START_AGAIN_S)
                    self.start(name, wait=False)

    async def settled(self, *names: str, within_s: float = 120.0) -> float:
        """Seconds until all say that they are ready.

        Raises:
            NotReady: the time is over.
        """
        begun_s = monotonic_s()
        while not all(self.ready(name) for name in names):
            if monotonic_s() - begun_s > within_s:
                logs = "\n".join(f"--- {name}\n{self.log(name)}" for name in names if not self.ready(name))
                raise NotReady(f"not ready within {within_s:.0f} s\n{logs}")
            await asyncio.sleep(LOOK_S / 2)
        return monotonic_s() - begun_s

    def kill_and_start(self, *names: str) -> None:
        """SIGKILL all at once, and start them again at once."""
        for name in names:
            self.running[name].send_signal(signal.SIGKILL)
        for name in names:
            self.running[name].wait()
        self.start(*names, wait=False)

    async def leave(self, name: str, how: signal.Signals = signal.SIGTERM) -> int:
        """End one for good; gives its exit code."""
        process = self.running.pop(name)
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        return await asyncio.to_thread(process.wait, 60)

    async def freeze(self, name: str, within_s: float = 60.0) -> None:
        """Wait until it has frozen itself at its failpoint."""
        self.failpoint(name).touch()
        async with asyncio.timeout(within_s):
            while psutil.Process(self.running[name].pid).status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)

    def thaw(self, name: str) -> None:
        """SIGCONT."""
        self.running[name].send_signal(signal.SIGCONT)

    def owner(self, name: str) -> str:
        """Its name in the progress rows."""
        return f"{socket.gethostname()}:{self.running[name].pid}"

    async def waits(self, name: str, log_from: int) -> str:
        """What is lacking of the three signs that a service waits: status file, metric, log line; empty if it has all."""
        lacking = [] if not self.ready(name) else ["status"]
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=5.0) as client:
                url, token = f"http://127.0.0.1:{self.ports[name]}/metrics", self.env["ROADWATCH_TOKEN"]
                text = (await client.get(url, headers={"authorization": f"Bearer {token}"})).text
        except httpx2.HTTPError:
            text = ""
        lines = text.splitlines()
        if "roadwatch_ready 0.0" not in lines or not any(
            line.startswith("roadwatch_waiting{") and line.endswith(" 1.0") for line in lines
        ):
            lacking.append("metric")
        if '"waiting"' not in self.text(name)[log_from:]:
            lacking.append("log")
        return ", ".join(lacking)

    def text(self, name: str) -> str:
        """The whole log of a service."""
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def thaw_all(self) -> None:
        """So that what is frozen hears the end."""
        for process in self.running.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
