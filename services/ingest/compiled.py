"""How ingest's compiled functions are made: as plain Python under NUMBA_DISABLE_JIT=1, else compiled once and kept on disk.

Numba's own cache looks at the time stamp of one file only; a change in a file that it merely calls would go unseen. So the folder
carries a digest of every source of this package.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., object])

NUMBA: Any = numba
"""Numba's own types know neither its settings nor that a compiled function is called like the one it was made of."""


@cache
def _folder() -> str:
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


def compiled(function: F) -> F:
    """Compile on first call for the argument types met, without Python objects and without the GIL."""
    return _made(function, inline=False)


def inlined(function: F) -> F:
    """As `compiled`, for helpers of the innermost loops: put into their callers, which halves the time a report takes."""
    return _made(function, inline=True)


def _made(function: F, *, inline: bool) -> F:
    before = NUMBA.config.CACHE_DIR
    if not NUMBA.config.DISABLE_JIT:
        NUMBA.config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR") or _folder()
    try:
        options = {"cache": True, "nogil": True, "error_model": "numpy", "forceinline": inline}
        # without numba's memory management nothing counts the arrays handed in, and none can be made
        return NUMBA.njit(**options, _nrt=False)(function)  # type: ignore[no-any-return]
    finally:
        NUMBA.config.CACHE_DIR = before  # other packages keep theirs elsewhere


def runs_compiled() -> bool:
    """Whether compiled functions are compiled; as plain Python they are right, and slow."""
    return not bool(NUMBA.config.DISABLE_JIT)
