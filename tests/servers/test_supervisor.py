"""The supervisor: what dies is started again, ever more patiently; what is done stays done; nothing outlives `stop`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import psutil
import pytest

from services.runtime.servers.supervisor import Attempts, Service, Supervisor

READY = (
    "import json, os, sys, time, pathlib\n"
    "status = {'name': 'x', 'pid': os.getpid(), 'ready': True, 'lag': 3}\n"
    "pathlib.Path(os.environ['ROADWATCH_STATUS_FILE']).write_text(json.dumps(status))\n"
    "time.sleep(600)"
)


class Scene:
    """A supervisor whose lines are kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lines = folder, list[str]()
        self.supervisor = Supervisor({"GIVEN": "yes"}, self.lines.append)

    def service(self, name: str, program: str, *, waited_for: bool = True, once: bool = False) -> Service:
        """A service that runs a Python program."""
        service = Service(
            name=name,
            command=[sys.executable, "-c", program],
            log=self.folder / f"{name}.log",
            status_file=self.folder / "run" / f"{name}.json",
            waited_for=waited_for,
            once=once,
        )
        self.supervisor.add(service)
        return service

    def tick_until(self, words: str) -> None:
        """Tick until a line with these words was said."""
        for _ in range(200):
            self.supervisor.tick()
            if any(words in line for line in self.lines):
                return
            sleep(0.05)
        pytest.fail(f"{words!r} was never said; said: {self.lines}")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A supervisor that is stopped at the end, whatever happens."""
    scene = Scene(tmp_path)
    yield scene
    scene.supervisor.stop()


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    attempts = Attempts(started_s=0.0)
    assert [attempts.pause_s(1.0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert attempts.restarts == 8


def test_who_ran_a_minute_starts_at_the_first_pause_again() -> None:
    attempts = Attempts(restarts=7, failures=7, started_s=100.0)
    assert attempts.pause_s(159.9) == 30
    assert attempts.pause_s(160.0) == 0.5
    assert attempts.restarts == 9


def test_a_killed_service_is_started_again_and_ready_only_by_its_own_word(scene: Scene) -> None:
    """The status file of the dead process must not make its successor look ready."""
    service = scene.service("x", READY)
    scene.supervisor.wait_ready()
    first = service.child.pid
    assert first is not None
    psutil.Process(first).kill()
    scene.tick_until("SIGKILL")
    assert scene.supervisor.not_ready() == ["x"]
    scene.supervisor.wait_ready()
    assert service.child.pid not in {None, first}
    assert scene.supervisor.restarts() == {"x": 1}


def test_a_status_file_of_another_process_does_not_count(scene: Scene) -> None:
    service = scene.service("x", READY.replace("os.getpid()", "1"))
    scene.supervisor.tick()
    for _ in range(100):
        if service.status_file.exists():
            break
        sleep(0.05)
    assert service.status_file.exists()
    assert not service.ready()


def test_a_failing_service_shows_its_last_words(scene: Scene) -> None:
    scene.service("x", "raise SystemExit('no such table')")
    scene.tick_until("exit code 1")
    assert any("no such table" in line for line in scene.lines)


def test_the_environment_reaches_the_service(scene: Scene) -> None:
    scene.service("x", "import os, sys; sys.exit(os.environ['GIVEN'] + os.environ['ROADWATCH_PROCESS'])")
    scene.tick_until("exit code 1")
    assert any("yesx" in line for line in scene.lines)


def test_what_is_done_is_not_started_again(scene: Scene) -> None:
    service = scene.service("import", "pass", waited_for=False, once=True)
    service.status_file.write_text("{}")
    assert scene.supervisor.restarts() == {"import": 0}
    scene.tick_until("done")
    scene.supervisor.tick()
    assert service.child.pid is None
    assert service.attempts.restarts == 0
    assert (scene.supervisor.restarts(), service.status_file.exists()) == ({}, False), "nobody waits for it"


def test_stop_ends_every_process(scene: Scene) -> None:
    services = [scene.service(name, READY) for name in "ab"]
    scene.supervisor.wait_ready()
    pids = [service.child.pid or 0 for service in services]
    scene.supervisor.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert not any(service.status_file.exists() for service in services)
