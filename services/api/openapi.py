"""`python -m services.api.openapi`: writes the OpenAPI document, which the repository keeps as docs/openapi.json, to stdout."""

import json
import sys

from services.api.app import create_app
from services.runtime.settings import Settings


def text() -> str:
    """The document as the repository keeps it."""
    return json.dumps(create_app(Settings()).openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
