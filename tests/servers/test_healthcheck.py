"""A container is healthy while its service says so, freshly."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from services.runtime import clock
from services.runtime.servers.healthcheck import verdict
from services.runtime.servers.supervisor import FRESH_MS, ServiceStatus, written_ms


def said(folder: Path, *, ready: bool) -> Path:
    file = folder / "status.json"
    file.write_bytes(msgspec.json.encode(ServiceStatus(name="rules", pid=1, ready=ready)))
    return file


def test_fresh_and_ready_is_healthy(tmp_path: Path) -> None:
    file = said(tmp_path, ready=True)
    assert verdict(file, written_ms(file) + FRESH_MS - 1) == ""


def test_a_frozen_service_is_not(tmp_path: Path) -> None:
    file = said(tmp_path, ready=True)
    assert "ago" in verdict(file, written_ms(file) + FRESH_MS)


def test_a_waiting_service_is_not(tmp_path: Path) -> None:
    assert "not ready" in verdict(said(tmp_path, ready=False), clock.now_ms())


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"name": 1}'])
def test_no_word_or_nonsense_is_not(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "status.json"
    if content is not None:
        file.write_bytes(content)
    assert "missing or unreadable" in verdict(file, 0)


@pytest.mark.parametrize(("ready", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_tells_the_engine(tmp_path: Path, ready: bool, code: int) -> None:
    env = {**os.environ, "ROADWATCH_STATUS_FILE": str(said(tmp_path, ready=ready))}
    command = [sys.executable, "-m", "services.runtime.servers.healthcheck"]
    assert subprocess.run(command, env=env, capture_output=True, check=False).returncode == code
