"""`roadwatch up` as a process, with stand-ins for the services: what a person at the terminal and the kernel see of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

import psutil
import psycopg
import pytest

from services.runtime.servers import LocalServers
from services.runtime.servers.running import running_system

SERVICE = """
import json, os, pathlib, time
status = {"name": "stand-in", "pid": os.getpid(), "ready": True, "lag": 0}
pathlib.Path(os.environ["ROADWATCH_STATUS_FILE"]).write_text(json.dumps(status))
time.sleep(600)
"""
UP = """
import sys
from services.cli import up
up.PYTHON_SERVICES = (("one", ("stand_in",)), ("two", ("stand_in",)))
up.SETUP = ()
sys.exit(up.main(sys.argv[1:]))
"""
LIMIT_S = 60

Start = Callable[[], "Up"]


class Up:
    """A running `roadwatch up`."""

    def __init__(self, folder: Path) -> None:
        (folder / "stand_in.py").write_text(SERVICE)
        self.data = folder / "data"
        self.said = folder / "err"
        with self.said.open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", UP, "--port", "0", "--data", str(self.data)],
                env={**os.environ, "PYTHONPATH": str(folder)},
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )

    def ready_line(self) -> str:
        """The first line on stdout."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def children(self) -> dict[str, psutil.Process]:
        """Its processes by a word of their command line."""
        found: dict[str, psutil.Process] = {}
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.Error):  # a zombie, or gone meanwhile
                command = " ".join(child.cmdline())
                found |= {word: child for word in ("stand_in", "kafka.Kafka", "postgres") if word in command}
        return found

    def replaced(self, before: dict[str, psutil.Process]) -> bool:
        """Whether every process has a successor."""
        now = self.children()
        return now.keys() == before.keys() and not set(before.values()) & set(now.values())

    def wait_for(self, what: str, condition: Callable[[], bool]) -> None:
        """Poll; fail with what was said."""
        for _ in range(LIMIT_S * 10):
            if condition():
                return
            sleep(0.1)
        pytest.fail(f"{what} did not happen; said:\n{self.said.read_text()}")

    def says(self, words: str) -> None:
        """Wait until it has said these words."""
        self.wait_for(words, lambda: words in self.said.read_text())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `roadwatch up` on one and the same data folder; everything is ended at the end."""
    started: list[Up] = []

    def begin() -> Up:
        started.append(Up(tmp_path))
        return started[-1]

    yield begin
    for up in started:
        if up.process.poll() is None:
            up.process.terminate()
        up.process.communicate(timeout=LIMIT_S)
        LocalServers(up.data, say=lambda _: None).remove()


def all_gone(processes: list[psutil.Process]) -> bool:
    return psutil.wait_procs(processes, timeout=LIMIT_S)[1] == [] or all(
        not process.is_running() or process.status() == psutil.STATUS_ZOMBIE for process in processes
    )


def test_it_says_ready_brings_back_what_dies_and_ctrl_c_stops_everything(start: Start) -> None:
    """One life, since each start of real servers takes seconds."""
    up = start()
    assert up.ready_line().startswith("ready http://127.0.0.1:")
    system = running_system(up.data)
    assert system is not None
    assert system.pid == up.process.pid
    assert (up.data / "token").stat().st_mode & 0o777 == 0o600

    second = start()
    assert second.process.wait(LIMIT_S) == 1
    assert f"pid {up.process.pid}" in second.said.read_text()

    before = up.children()
    before["stand_in"].kill()
    up.says("starting again")
    before["kafka.Kafka"].kill()
    before["postgres"].kill()
    up.says("a server died")
    up.wait_for("a new process for each", lambda: up.replaced(before))
    psycopg.connect(system.environment["ROADWATCH_DATABASE_URL"]).close()
    system = running_system(up.data)
    assert system is not None
    assert sum(system.restarts.values()) >= 1

    processes = psutil.Process(up.process.pid).children(recursive=True)
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(LIMIT_S) == 0
    assert [process for process in processes if process.is_running()] == []
    assert running_system(up.data) is None


def test_after_sigkill_nothing_is_left_and_it_starts_again(start: Start) -> None:
    first = start()
    first.ready_line()
    token = (first.data / "token").read_text()
    processes = psutil.Process(first.process.pid).children(recursive=True)
    assert len(processes) >= 4
    first.process.kill()
    first.process.wait()
    assert running_system(first.data) is None
    second = start()
    assert second.ready_line().startswith("ready ")
    assert all_gone(processes)
    assert (second.data / "token").read_text() == token
    second.process.terminate()
    assert second.process.wait(LIMIT_S) == 0


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", UP, "--port", str(port), "--data", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert f"--port {port + 1}" in done.stderr
    assert not (tmp_path / "postgres.json").exists()
