"""The status file: what a process says of itself, rewritten about once a second for `roadwatch up` and `roadwatch status`."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec


def write_status(file: str, name: str, *, ready: bool, lag: int, detail: Mapping[str, object]) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    body = {"name": name, "pid": os.getpid(), "ready": ready, "lag": lag, "detail": dict(detail)}
    target = Path(file)
    draft = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.encode(body))
        draft.replace(target)
    except OSError:
        draft.unlink(missing_ok=True)
