"""Warming up leaves nothing to compile for the first batch: a worker that compiled there would lose its partitions meanwhile."""

import subprocess
import sys

import pytest

SCRIPT = """
import gc
from numba.core.dispatcher import Dispatcher
from services.cli.benchmarks.feed import drives, fleet
from services.rules.engine import Engine
from services.rules.registry import RULES
from services.rules.snapshot import PartitionClock, dump, load
from services.rules.warm import warm

dispatchers = [found for found in gc.get_objects() if isinstance(found, Dispatcher)]
signatures = lambda: {found.py_func.__module__ + "." + found.py_func.__name__: len(found.signatures) for found in dispatchers}
warm()
before = signatures()
engine = Engine(fleet(40), {}.get)
assert engine.judge(drives(40, 60)) is not None
engine.tick(1 << 50), engine.open_episodes()
load(engine, dump(engine, "", PartitionClock(), full=True)), engine.configure(fleet(41))
kernels = {name for name, count in before.items() if name.rpartition(".")[2] in ("gate", "locate", "run", "sweep") and count}
assert len(kernels) == 2 + 2 * len(RULES), kernels
assert signatures() == before, signatures().items() - before.items()
"""


@pytest.mark.timeout(400)  # a cold cache on a busy machine
def test_nothing_is_left_to_compile() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
