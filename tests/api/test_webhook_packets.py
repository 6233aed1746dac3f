"""Counted by the kernel, not by us: not one packet leaves for a forbidden address, whatever URL is tried."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APART = ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--net", "--mount"]


def test_no_packet_to_a_forbidden_address(tmp_path: Path) -> None:
    probe = subprocess.run(
        [*APART, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        pytest.skip(f"this machine makes no network namespaces: {probe.stderr.strip()}")
    done = subprocess.run(
        [*APART, sys.executable, str(Path(__file__).with_name("packets.py")), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["attempts"] >= 100
    assert found["faults"] == ["blocked"]
    assert found["sent"] == 0
    assert all(found["allowed"].values()), f"the counter counts nothing: {found}"
