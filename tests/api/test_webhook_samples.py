"""The receivers in docs/receivers check what was really delivered, by both algorithms, and refuse it when anything was changed."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from services.api.webhooks import signing
from tests.api.receivers import Received, allow_loopback, delivering, endpoint, listening
from tests.api.support import event, put

SAMPLES = Path(__file__).parents[2] / "docs" / "receivers"
PYTHON = (sys.executable, str(SAMPLES / "receiver.py"), "check")
SHELL = ("bash", str(SAMPLES / "check.sh"))
JAVA = ("java", "-cp", "FOLDER", "Receiver", "check")
CASES = [(PYTHON, signing.HMAC), *((sample, kind) for sample in (SHELL, JAVA) for kind in signing.ALGORITHMS)]
NEEDED = {"java": "no java 17 here", "bash": "no bash here", sys.executable: ""}


async def delivered(conn: asyncpg.Connection, database_url: str, algorithm: str) -> tuple[str, Received]:
    """A delivery as a receiver gets it during a rotation, and the key to check it with."""
    await allow_loopback(conn)
    async with listening() as receiver, delivering(database_url) as run:
        key = await endpoint(conn, receiver.url(), algorithm=algorithm)
        keys = signing.rotated([signing.Secret(key, 0)], signing.new_key(algorithm), run.now_ms())
        await conn.execute(
            "UPDATE webhook_endpoint SET secrets = $1 WHERE id = 'whe_1'", [one.kept() for one in keys]
        )
        await put(conn, [event("alr_1")])
        await run.until(lambda: receiver.received)
        return signing.public_key(key) or key, receiver.received[0]


def compiled(folder: Path) -> Sequence[str]:
    """The Java sample as a class, so that it is not compiled for every question."""
    subprocess.run(["javac", "-d", str(folder), str(SAMPLES / "Receiver.java")], check=True)
    return [str(folder) if part == "FOLDER" else part for part in JAVA]


def judged(sample: Sequence[str], key: str, one: Received, **changed: str | bytes) -> bool:
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    given = (
        {name.removeprefix("webhook-"): one.headers[name] for name in names} | {"body": one.body} | changed
    )
    done = subprocess.run(
        [*sample, str(given["id"]), str(given["timestamp"]), str(given["signature"])], input=bytes(given["body"]), check=False,  # type: ignore[arg-type]
        env=os.environ | {"WEBHOOK_SECRET": key}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    return done.returncode == 0


@pytest.mark.parametrize(
    ("sample", "algorithm"), CASES, ids=lambda value: value if isinstance(value, str) else Path(value[0]).name
)
async def test_a_sample_knows_what_is_genuine(
    sample: Sequence[str], algorithm: str, database_url: str, writer: asyncpg.Connection, tmp_path: Path
) -> None:
    if shutil.which(sample[0]) is None:
        pytest.skip(NEEDED[sample[0]])
    if sample is JAVA:
        sample = compiled(tmp_path)
    key, one = await delivered(writer, database_url, algorithm)
    assert len(one.headers["webhook-signature"].split()) == 2
    assert judged(sample, key, one)
    later = str(int(one.headers["webhook-timestamp"]) + 1)
    assert not judged(sample, key, one, id=one.id[:-1] + ("0" if one.id[-1] != "0" else "1"))
    assert not judged(sample, key, one, timestamp=later)
    assert not judged(sample, key, one, body=one.body.replace(b"alr_1", b"alr_2"))
    assert not judged(sample, key, one, signature="v1,AAAA v1a,AAAA x,y")
    other = signing.new_key(algorithm)
    assert not judged(sample, signing.public_key(other) or other, one)
    old = int(one.headers["webhook-timestamp"]) - signing.TOLERANCE_S - 5
    if algorithm == signing.HMAC:
        assert not judged(
            sample, key, one, timestamp=str(old), signature=signing.sign(key, one.id, old, one.body)
        )


@pytest.mark.parametrize(
    "command",
    [(sys.executable, str(SAMPLES / "receiver.py")), ("java", str(SAMPLES / "Receiver.java"))],
    ids=["python", "java"],
)
async def test_a_sample_receives(
    command: Sequence[str], database_url: str, writer: asyncpg.Connection
) -> None:
    """As a server: it answers 2xx to what is genuine, which makes the delivery delivered, and 401 to the rest."""
    if shutil.which(command[0]) is None:
        pytest.skip(NEEDED[command[0]])
    await allow_loopback(writer)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = await endpoint(writer, f"http://127.0.0.1:{port}/")
    for secret, expected in ((key, 204), (signing.new_key(signing.HMAC), 401)):
        with serving(command, port, secret):
            async with delivering(database_url) as run:
                await put(writer, [event(f"alr_{expected}")])
                await run.until(lambda run=run: run.deliverer.held)  # type: ignore[misc]
                await run.turn(5)
                await run.quiet()
        status = await writer.fetchval("SELECT status FROM webhook_attempt ORDER BY at DESC LIMIT 1")
        assert status == expected


@contextmanager
def serving(command: Sequence[str], port: int, secret: str) -> Iterator[None]:
    """The sample as a server, until the end of the block."""
    with subprocess.Popen(
        [*command, str(port)], env=os.environ | {"WEBHOOK_SECRET": secret}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:  # fmt: skip
        try:
            wait_for(port)
            yield
        finally:
            server.kill()


def wait_for(port: int) -> None:
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the sample does not listen")
