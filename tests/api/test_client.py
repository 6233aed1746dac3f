"""The typed client of `make client`: it is generated, mypy accepts a program that uses it, and that program works against a running api."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg
import pytest

from services.api.identity import Role
from services.runtime.settings import Settings
from tests.api import page
from tests.api.accounts import PASSWORD, account, keyed
from tests.api.support import BEGAN_MS, Api, event, fixes, put, record, register, start

ROOT = Path(__file__).parents[2]
TOOL = ROOT / ".local" / "client-tool" / "bin" / "python"
GENERATED = ROOT / ".local" / "client"
BY_KEY = """
import sys

from roadwatch_client import AuthenticatedClient
from roadwatch_client.api.alerts import get_alert, list_alerts
from roadwatch_client.api.events import list_events
from roadwatch_client.api.handling import acknowledge_alert
from roadwatch_client.models import Alert, AlertPage, EventPage, Problem
from roadwatch_client.types import UNSET, Unset

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)
found: list[str] = []
cursor: str | Unset = UNSET
while True:
    page = list_alerts.sync(client=client, limit=2, cursor=cursor)
    assert isinstance(page, AlertPage)
    found += [alert.id for alert in page.items]
    if page.next_ is None:
        break
    cursor = page.next_
assert found == ["alr_5", "alr_4", "alr_3", "alr_2", "alr_1"], found
answer = get_alert.sync_detailed("alr_1", client=client)
alert = answer.parsed
assert isinstance(alert, Alert) and answer.etag == answer.headers["etag"] == '"0"'
acted = acknowledge_alert.sync_detailed(alert.id, client=client, body=None, if_match=answer.etag, idempotency_key="once")
done = acted.parsed
assert isinstance(done, Alert) and (done.handling, acted.etag, acted.retry_after) == ("acknowledged", '"1"', None)
again = acknowledge_alert.sync(alert.id, client=client, body=None, if_match=answer.etag)
assert isinstance(again, Problem) and again.status == 412
feed = list_events.sync(client=client, after="4")
assert isinstance(feed, EventPage)
print([event.type_ for event in feed.items])
"""
BY_SESSION = """
import json
import sys

from roadwatch_client import Client
from roadwatch_client.api.session import get_me, login, logout
from roadwatch_client.api.vehicles import get_track
from roadwatch_client.models import GetTrackFormatType0, Login, Me, Problem, Track
from roadwatch_client.types import File

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)
refused = get_me.sync(client=client)
assert isinstance(refused, Problem) and refused.status == 401
me = login.sync(client=client, body=Login(login="desk", password=sys.argv[2]))
assert isinstance(me, Me) and "tracks:read" in me.permissions
for format_ in GetTrackFormatType0:
    track = get_track.sync_detailed(int(sys.argv[3]), client=client, format_=format_, purpose="test of the client")
    assert track.status_code == 200 and isinstance(track.parsed, File), format_
    body = track.parsed.payload.read()
    assert body == track.content and len(body) > 300, format_
    if format_ == GetTrackFormatType0.GEOJSON:
        assert len(Track.from_dict(json.loads(body)).properties.datetimes) == 20
    print(format_.value, track.headers["content-type"])
logout.sync_detailed(client=client)
assert isinstance(get_me.sync(client=client), Problem)
"""
AS_IT_COMES = """
import sys

from plain_client import AuthenticatedClient
from plain_client.api.vehicles import get_track
from plain_client.models import GetTrackFormatType0

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)
for format_ in GetTrackFormatType0:
    track = get_track.sync_detailed(int(sys.argv[3]), client=client, format_=format_, purpose="test of the client")
    assert track.status_code == 200 and len(track.content) > 300 and isinstance(track.parsed, str), format_
    print(format_.value, track.headers["content-type"])
"""
TOO_OFTEN = """
import sys

from roadwatch_client import AuthenticatedClient
from roadwatch_client.api.meta import get_meta
from roadwatch_client.models import Problem

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], raise_on_unexpected_status=True)
for _ in range(10):
    answer = get_meta.sync_detailed(client=client)
    if isinstance(answer.parsed, Problem):
        break
assert isinstance(answer.parsed, Problem) and answer.status_code == 429
assert isinstance(answer.parsed.retry_after_s, int) and answer.parsed.retry_after_s > 0
assert answer.parsed.retry_after_s == answer.retry_after == int(answer.headers["retry-after"])
print("come back")
"""
FORMATS = """\
csv text/csv; charset=utf-8
geojson application/geo+json
gpx application/gpx+xml
kml application/vnd.google-earth.kml+xml
mfjson application/mf+json
parquet application/vnd.apache.parquet
"""


async def run(*command: str | Path, **environment: str) -> str:
    """What a command printed; it must end well."""
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


async def told(text: str, folder: Path, *arguments: str, generated: Path = GENERATED) -> str:
    """What a program prints that mypy has accepted, too."""
    program = folder / "program.py"
    program.write_text(text, encoding="utf-8")
    await run(
        ROOT / ".venv/bin/mypy", "--strict", "--config-file=", "--follow-imports=silent", f"--python-executable={TOOL}",
        f"--cache-dir={folder}", program, MYPYPATH=str(generated),
    )  # fmt: skip
    return await run(TOOL, program, *arguments, PYTHONPATH=str(generated), no_proxy="*")


async def driven(writer: asyncpg.Connection) -> int:
    """A vehicle that drove within the last 24 hours."""
    vehicle = await register(writer, "宁A12345")
    now_ms = int(1000 * await writer.fetchval("SELECT extract(epoch FROM now())::float8"))
    await record(writer, fixes(vehicle, [now_ms - 3_600_000 + 1000 * n for n in range(20)]))
    return vehicle


@pytest.fixture(scope="module")
def client() -> None:
    """Generated anew."""
    subprocess.run(["make", "client"], cwd=ROOT, check=True, capture_output=True, timeout=300)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("client")
async def test_a_partner_s_program_by_key(api: Api, writer: asyncpg.Connection, tmp_path: Path) -> None:
    """It pages alerts, and acknowledges by the ETag that the model holds."""
    await put(writer, [event(f"alr_{n}", began_ms=BEGAN_MS + 60_000 * n) for n in range(1, 6)])
    key = await keyed(writer, "desk", Role.DISPATCHER, ["alerts:read", "alerts:ack"])
    url = f"http://127.0.0.1:{api.port}"
    assert (await told(BY_KEY, tmp_path, url, key)).strip() == "['alert.opened', 'alert.acknowledged']"
    (snippet,) = page.blocks("people.md", "python")
    printed = await run(TOOL, "-c", snippet, PYTHONPATH=str(GENERATED), no_proxy="*", API=url, KEY=key)
    assert printed.split()[-3:] == ["6", "alert.acknowledged", "alr_1"]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("client")
async def test_a_program_that_signs_in_fetches_a_track_in_every_format(
    api: Api, writer: asyncpg.Connection, tmp_path: Path
) -> None:
    await account(writer, "desk", Role.DISPATCHER)
    vehicle = await driven(writer)
    url = f"http://127.0.0.1:{api.port}"
    assert await told(BY_SESSION, tmp_path, url, PASSWORD, str(vehicle)) == FORMATS


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("client")
async def test_so_does_a_client_that_somebody_generates_without_our_settings(
    api: Api, writer: asyncpg.Connection, tmp_path: Path
) -> None:
    await run(
        TOOL.with_name("openapi-python-client"), "generate", "--path", "docs/openapi.json", "--meta", "none",
        "--output-path", tmp_path / "plain_client",
    )  # fmt: skip
    key = await keyed(writer, "desk", Role.DISPATCHER, ["tracks:read"])
    vehicle = await driven(writer)
    url = f"http://127.0.0.1:{api.port}"
    assert await told(AS_IT_COMES, tmp_path, url, key, str(vehicle), generated=tmp_path) == FORMATS


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("client")
async def test_a_program_that_asks_too_often_reads_when_to_come_back(
    api_settings: Settings, writer: asyncpg.Connection, tmp_path: Path
) -> None:
    key = await keyed(writer, "desk", Role.DISPATCHER, ["meta:read"])
    narrow = await start(api_settings.model_copy(update={"requests_per_minute": 3}))
    try:
        assert await told(TOO_OFTEN, tmp_path, f"http://127.0.0.1:{narrow.port}", key) == "come back\n"
    finally:
        await narrow.stop()
