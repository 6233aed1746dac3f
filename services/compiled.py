"""How kernels are compiled and where compiled code is kept: the only place that knows numba's cache.

The same source runs under numba or, with NUMBA_DISABLE_JIT=1, as plain Python. Constants and helpers of other files are frozen into a
kernel, while numba looks at the time stamp of the kernel's own file alone. So the folder of compiled code carries a digest of all that a
kernel can read: the sources of its own package and of `contracts`, this file, the versions of numba and numpy, and the processor.
What a kernel's modules import, directly or not, must lie in there; `tests/contracts/test_compiled.py` holds that.

Numba infers its own types from the arguments it meets; annotations are for mypy and for readers. What mypy cannot read has a name here.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import llvmlite.binding
import numba
import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=Callable[..., object])

NUMBA: Any = numba
"""Numba's own types know neither its settings nor that a compiled function is called like the one it was made of."""

Row = Any
"""One record of a structured array; its fields are attributes to compiled code."""
Rows = Any
"""A structured array: an indexed place of it is a Row."""
Record = Any
"""One record, or an array."""
Tables = Any
"""What a rule's kernels read beside the context: a named tuple of arrays, each rule's own."""
Whole = int | np.int64
"""A whole number, Python's or numpy's: one and the same to compiled code."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HERE = Path(__file__).parent
PACKAGES = ("rules", "ingest", "simulator")
"""The packages that have kernels. They know nothing of each other, and share `contracts` alone."""

_not_kept: list[str] = []

OPTIONS: dict[str, object] = {"cache": True, "nogil": True, "error_model": "numpy"}
COUNTED_BY_NOBODY: dict[str, object] = {**OPTIONS, "_nrt": False}
"""Without numba's memory management: no array can be made, and none of those handed in is counted, which took most of a kernel's time."""


def compiled(function: F) -> F:
    """Compile on first call for the argument types met, without Python objects and without the GIL."""
    return _made(function, COUNTED_BY_NOBODY)


def inlined(function: F) -> F:
    """As `compiled`, for what belongs into its caller: small helpers, and the way most records go, since handing tables over costs more than it."""
    return _made(function, {**COUNTED_BY_NOBODY, "forceinline": True})


def compiled_freely(function: F) -> F:
    """As `compiled`, for what builds tables and may make arrays."""
    return _made(function, OPTIONS)


def runs_compiled() -> bool:
    """Whether compiled functions are compiled; as plain Python they are right, and slow."""
    return not bool(NUMBA.config.DISABLE_JIT)


def slow_because() -> str | None:
    """Why compiled code is not used, or not kept for the next start; None where all is well."""
    if not runs_compiled():
        return "NUMBA_DISABLE_JIT is set: deciding runs as plain Python"
    return "; ".join(_not_kept) or None


def sources(package: str) -> list[Path]:
    """The files that code compiled in one of `PACKAGES` may depend on; of any other name, those of all three (benchmarks and tests)."""
    folders = ("contracts", *((package,) if package in PACKAGES else PACKAGES))
    return [Path(__file__), *sorted(source for folder in folders for source in (HERE / folder).rglob("*.py"))]


def _made(function: F, options: dict[str, object]) -> F:
    before = NUMBA.config.CACHE_DIR
    if runs_compiled():
        top, _, below = function.__module__.partition(".")
        NUMBA.config.CACHE_DIR = _folder(below.split(".")[0] if top == __package__ else "")
    try:
        return NUMBA.njit(**options)(function)  # type: ignore[no-any-return]
    finally:
        NUMBA.config.CACHE_DIR = before  # numba is not ours alone


@cache
def _folder(package: str) -> str:
    folder = _root() / f"{package or 'other'}-{_digest(package)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _not_kept.append(
            f"{error}: nothing compiled is kept, every start compiles again; set ROADWATCH_CACHE"
        )
        return tempfile.mkdtemp(prefix="roadwatch-numba-")
    return str(folder)


def _root() -> Path:
    """Numba's own setting names a folder as it is; a digest stands below it all the same, since a volume outlives its image."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    place = os.environ.get("ROADWATCH_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(place) / "roadwatch" / "numba"


def _digest(package: str) -> str:
    processor = NUMBA.config.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    digest = hashlib.sha256(repr((numba.__version__, np.__version__, processor)).encode())
    for source in sources(package):
        digest.update(f"\0{source.relative_to(HERE)}\0".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
