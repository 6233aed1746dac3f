"""Whoever may begin a kind of job may look at one's own of that kind, and at no other kind."""

import asyncpg
import pytest

from services.api.history.jobs import SEEN_BY
from services.api.identity import ACCESS, EITHER, PERMISSIONS, Role
from tests.api.accounts import keyed
from tests.api.matrix_world import job
from tests.api.support import Api

BEGUN_BY = {"presence": "search_presence", "export": "create_export", "webhook.recover": "recover_webhook"}
"""Kind of job to the operation that begins one."""


def test_every_permission_that_begins_a_job_shows_it() -> None:
    assert set(BEGUN_BY) == set(SEEN_BY)
    for kind, operation in BEGUN_BY.items():
        assert ACCESS[operation] in SEEN_BY[kind].split(EITHER), kind
        for looks in ("list_jobs", "get_job", "get_job_result", "cancel_job"):
            assert ACCESS[operation] in ACCESS[looks].split(EITHER), (kind, looks)


@pytest.mark.parametrize(
    ("role", "scope", "seen"),
    [
        (Role.DISPATCHER, "tracks:read", {"presence", "export"}),
        (Role.SUPERVISOR, "tracks:export", {"export"}),
        (Role.PARTNER, "webhooks:manage", {"webhook.recover"}),
        (Role.PARTNER, "alerts:read", set()),
    ],
)
async def test_a_key_sees_its_accounts_jobs_of_the_kinds_that_it_may(
    api: Api, writer: asyncpg.Connection, role: Role, scope: str, seen: set[str]
) -> None:
    """An account may have had another role when it began a job, a key may have less than its account."""
    key = {"authorization": f"Bearer {await keyed(writer, 'wang', role, [scope])}"}
    owner = await writer.fetchval("SELECT account FROM api_key")
    assert scope in PERMISSIONS[role]
    for kind in SEEN_BY:
        name = await job(writer, owner, kind)
        right = 200 if kind in seen else 404 if seen else 403
        for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", "")):
            answer = await api.client.request(method, f"/v1/jobs/{name}{path}", headers=key)
            assert answer.status_code == right, (kind, method, path, answer.text)
    listed = await api.client.get("/v1/jobs", headers=key)
    assert {one["kind"] for one in listed.json().get("items", ())} == seen
    assert listed.status_code == (200 if seen else 403)
