"""How rule code is compiled: one decorator, so that the same source runs under numba or, with NUMBA_DISABLE_JIT=1, as plain Python.

Compiled code is cached on disk by numba, keyed by each file's own time stamp; a change in a file it merely calls would go unseen, so
the cache folder carries a digest of every source file of this package.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numba

F = TypeVar("F", bound=Callable[..., object])


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


if not numba.config.DISABLE_JIT:
    numba.config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR") or _cache_folder()


def compiled(function: F) -> F:
    """Compile on first call for the argument types met, without Python objects and without the GIL."""
    return numba.njit(cache=True, nogil=True, error_model="numpy")(function)  # type: ignore[no-any-return]


def inlined(function: F) -> F:
    """As `compiled`, for small helpers that belong into their callers."""
    return numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")(function)  # type: ignore[no-any-return]
