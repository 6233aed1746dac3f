"""How rule code is compiled: one decorator, so that the same source runs under numba or, with NUMBA_DISABLE_JIT=1, as plain Python.

Compiled code is cached on disk by numba, keyed by each file's own time stamp; a change in a file it merely calls would go unseen, so
the cache folder carries a digest of every source file of this package.

Numba infers its own types from the arguments it meets; annotations are for mypy and for readers. What mypy cannot read has a name here.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

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
Tables = Any
"""What a rule's kernels read beside the context: a named tuple of arrays, each rule's own."""
Whole = int | np.int64
"""A whole number, Python's or numpy's: one and the same to compiled code."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def _cache_folder() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    root = (
        os.environ.get("ROADWATCH_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    )
    folder = Path(root) / "roadwatch" / "numba" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return tempfile.mkdtemp(prefix="roadwatch-numba-")
    return str(folder)


if not NUMBA.config.DISABLE_JIT:
    NUMBA.config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR") or _cache_folder()


OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}
COUNTED_BY_NOBODY = {**OPTIONS, "_nrt": False}
"""Without numba's memory management: no array can be made, and none of those handed in is counted, which took most of a kernel's time."""


def compiled(function: F) -> F:
    """Compile on first call for the argument types met, without Python objects and without the GIL."""
    return NUMBA.njit(**COUNTED_BY_NOBODY)(function)  # type: ignore[no-any-return]


def inlined(function: F) -> F:
    """As `compiled`, for what belongs into its caller: small helpers, and the way most fixes go, since handing tables over costs more than it."""
    return NUMBA.njit(**COUNTED_BY_NOBODY, forceinline=True)(function)  # type: ignore[no-any-return]


def compiled_freely(function: F) -> F:
    """As `compiled`, for what builds tables and may make arrays."""
    return NUMBA.njit(**OPTIONS)(function)  # type: ignore[no-any-return]
