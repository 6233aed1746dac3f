"""`python -m services.api.openapi`: writes the OpenAPI document, which the repository keeps as docs/openapi.json, to stdout."""

import json
import sys
from typing import Any

from services.api.app import document


def text() -> str:
    """The document as the repository keeps it."""
    return json.dumps(_sorted(document()), ensure_ascii=False, indent=1) + "\n"


def _sorted(value: Any, *, keep: bool = False) -> Any:
    """By name, but for media types: what makes clients takes the first that it knows, and `content` is in that order on purpose."""
    if isinstance(value, list):
        return [_sorted(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = list(value) if keep else sorted(value)
    return {name: _sorted(value[name], keep=name == "content") for name in names}


if __name__ == "__main__":
    sys.stdout.write(text())
