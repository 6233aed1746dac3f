"""Services as processes of their own, as `roadwatch up` runs them."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.api.support import TOKEN


@asynccontextmanager
async def process(
    module: str = "services.api", **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m <module>`; killed at the end if it still runs."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROADWATCH_")}
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env=clean | environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.communicate()


def api_environment(database_url: str, port: int, status_file: Path) -> dict[str, str]:
    """Settings of an api process whose Kafka is away."""
    return {
        "ROADWATCH_DATABASE_URL": database_url, "ROADWATCH_KAFKA_BOOTSTRAP": "127.0.0.1:9", "ROADWATCH_HTTP_PORT": str(port),
        "ROADWATCH_TOKEN": TOKEN, "ROADWATCH_STATUS_FILE": str(status_file), "ROADWATCH_LOG_FORMAT": "json",
    }  # fmt: skip


async def status_of(file: Path) -> dict[str, object]:
    """What a service says of itself, once it is ready."""
    async with asyncio.timeout(30):
        while True:
            if file.exists() and (found := json.loads(file.read_text()))["ready"]:
                return dict(found)
            await asyncio.sleep(0.05)
