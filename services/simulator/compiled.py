"""How the simulator's kernels are compiled: one typed decorator over numba's, with a cache that knows every file of this package.

Numba keeps compiled code by each file's own time stamp; constants and helpers from a neighbouring file would go stale unseen.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., object])

Record = Any
"""One record, or an array, as compiled code sees it: numba infers its type, mypy cannot."""


def _cache_folder() -> str:
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    root = (
        os.environ.get("ROADWATCH_CACHE") or os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    )
    folder = Path(root) / "roadwatch" / "numba" / f"simulator-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return tempfile.mkdtemp(prefix="roadwatch-numba-")
    return str(folder)


def compiled(function: F) -> F:
    """Compile on first call for the argument types met."""
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = os.environ.get("NUMBA_CACHE_DIR") or _FOLDER
    try:
        return cast("F", numba.njit(cache=True)(function))
    finally:
        config.CACHE_DIR = before


_FOLDER = _cache_folder()
