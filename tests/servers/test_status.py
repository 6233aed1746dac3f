"""`roadwatch status`: the shape that programs rely on, and that only a living, fresh, ready service counts as ready."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Status = Callable[[], dict[str, Any]]


def say(data: Path, name: str, **facts: object) -> Path:
    """Write a status file as a service does."""
    file = data / "run" / f"{name}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        json.dumps({"name": name, "pid": os.getpid(), "ready": True, "lag": 7, "detail": {}} | facts)
    )
    return file


@pytest.fixture
def status(tmp_path: Path, database_url: str, run_roadwatch: Run) -> Status:
    """Runs `roadwatch status --json` on this test's folder and the module's empty database."""

    def run() -> dict[str, Any]:
        env = {"ROADWATCH_DATABASE_URL": database_url}
        done = run_roadwatch("status", "--json", "--data", tmp_path, env=env)
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
        assert done.returncode == (0 if answer["ready"] else 1), done.stderr
        return answer

    return run


def test_the_shape_is_the_documented_one(tmp_path: Path, status: Status) -> None:
    say(tmp_path, "rules")
    reports = dict.fromkeys(("received", "accepted", "flagged", "quarantined", "rejected"), 0)
    assert status() == {
        "ready": True,
        "services": [{"name": "rules", "pid": os.getpid(), "ready": True, "lag": 7, "restarts": 0}],
        "reports": reports,
        "history": {"fixes": 0},
        "alerts": 0,
        "events": 0,
    }


def test_without_services_nothing_is_ready(status: Status) -> None:
    assert (status()["ready"], status()["services"]) == (False, [])


def test_one_that_waits_makes_the_whole_not_ready(tmp_path: Path, status: Status) -> None:
    say(tmp_path, "rules")
    say(tmp_path, "api", ready=False)
    answer = status()
    assert answer["ready"] is False
    assert {service["name"]: service["ready"] for service in answer["services"]} == {
        "rules": True,
        "api": False,
    }


def test_a_dead_process_is_not_ready_whatever_it_said(tmp_path: Path, status: Status) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    say(tmp_path, "rules", pid=gone.pid)
    assert status()["services"][0] == {"name": "rules", "pid": None, "ready": False, "lag": 7, "restarts": 0}


def test_a_frozen_process_is_not_ready(tmp_path: Path, status: Status) -> None:
    """It lives, but its last word is old."""
    os.utime(say(tmp_path, "rules"), (1, 1))
    assert status()["services"][0]["ready"] is False


def test_people_read_lines(tmp_path: Path, database_url: str, run_roadwatch: Run) -> None:
    say(tmp_path, "rules")
    done = run_roadwatch("status", "--data", tmp_path, env={"ROADWATCH_DATABASE_URL": database_url})
    assert done.stdout.splitlines()[0] == "就绪 ready"
    assert "rules" in done.stdout
    assert "received 0" in done.stdout


def test_without_a_system_it_says_how_to_start_one(tmp_path: Path, run_roadwatch: Run) -> None:
    env = {"ROADWATCH_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    done = run_roadwatch("status", "--data", tmp_path, env=env)
    assert done.returncode == 1
    assert "roadwatch up" in done.stderr
    assert "Traceback" not in done.stderr
