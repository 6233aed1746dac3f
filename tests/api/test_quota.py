"""How much may be asked and sent: the bucket's arithmetic, the headers, the limits of signing in and of bodies."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.identity import Role
from services.api.quota import MOST_KNOWN, Policy, Quota
from services.runtime.settings import Settings
from tests.api.accounts import account, browser, signed_in
from tests.api.support import Api, start


@pytest.fixture
async def tight(api_settings: Settings, writer: asyncpg.Connection) -> AsyncIterator[Api]:
    """An api that answers little."""
    made = await start(api_settings.model_copy(update={"requests_per_minute": 5, "logins_per_minute": 3}))
    yield made
    await made.stop()


@given(
    quota=st.integers(1, 20),
    gaps=st.lists(st.floats(0, 30, allow_nan=False, allow_infinity=False), max_size=60),
)
def test_no_window_holds_more_than_twice_the_quota_and_who_waits_as_told_is_answered(
    quota: int, gaps: list[float]
) -> None:
    bucket, now_s, answered = Quota(Policy("p", quota)), 1000.0, []
    for gap in gaps:
        now_s += gap
        standing = bucket.take("one", now_s)
        assert standing is not None
        assert 0 <= standing.left < quota
        if standing.wait_s:
            again = bucket.take("one", now_s + standing.wait_s)
            assert again is not None
            assert not again.wait_s
            now_s += standing.wait_s
        answered.append(now_s)
        assert sum(time_s > now_s - 60 for time_s in answered) <= 2 * quota + 1


def test_one_does_not_use_up_anothers_and_memory_is_bounded() -> None:
    bucket = Quota(Policy("p", 1))
    for number in range(MOST_KNOWN + 10):
        standing = bucket.take(str(number), 0.0)
        assert standing is not None
        assert not standing.wait_s
    assert len(bucket._known) <= MOST_KNOWN
    assert Quota(Policy("p", 0)).take("x", 0.0) is None


async def test_beyond_the_quota_is_429_with_when_to_come_back(tight: Api, writer: asyncpg.Connection) -> None:
    await account(writer, "wang", Role.DISPATCHER)
    await account(writer, "li", Role.DISPATCHER)
    client, other = await signed_in(tight, "wang"), await signed_in(tight, "li")
    for left in (4, 3, 2, 1, 0):
        answer = await client.get("/v1/meta")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"default";q=5;w=60'
        assert answer.headers["ratelimit"].startswith(f'"default";r={left};t=')
    refused = await client.get("/v1/meta", headers={"accept-language": "en"})
    assert (refused.status_code, refused.json()["type"]) == (
        429,
        "https://iana.org/assignments/http-problem-types#quota-exceeded",
    )
    assert refused.json()["violated-policies"] == ["default"]
    assert refused.headers["ratelimit"].startswith('"default";r=0;t=')
    assert 1 <= int(refused.headers["retry-after"]) <= 12
    assert (await other.get("/v1/meta")).status_code == 200
    for _ in range(20):
        answer = await tight.get("/v1/meta")
        assert (answer.status_code, "ratelimit" in answer.headers) == (200, False), "the system's own token"


async def test_signing_in_is_limited_by_address(tight: Api, writer: asyncpg.Connection) -> None:
    codes = [
        (await browser(tight).post("/v1/session", json={"login": f"u{n}", "password": "x"})).status_code
        for n in range(5)
    ]
    assert codes == [401, 401, 401, 429, 429]
    assert (await tight.get("/healthz")).status_code == 200
    assert (await tight.get("/")).status_code == 200


async def test_a_body_has_a_limit_announced_or_not(api: Api, writer: asyncpg.Connection) -> None:
    large = b'{"login":"' + b"x" * 1_000_001 + b'","password":"x"}'

    async def chunks() -> AsyncIterator[bytes]:
        for start_ in range(0, len(large), 50_000):
            yield large[start_ : start_ + 50_000]
            await asyncio.sleep(0)

    for content in (large, chunks()):
        answer = await browser(api).post(
            "/v1/session", content=content, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["type"]) == (413, "urn:roadwatch:problem:body-too-large")


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe{",
        b"{",
        b"[]",
        b"",
        b'{"login":"\\ud800","password":"x"}',
        b'{"login":"a\\u0000","password":"x"}',
    ],
)
async def test_a_body_that_is_none_is_a_problem(api: Api, writer: asyncpg.Connection, body: bytes) -> None:
    answer = await browser(api).post(
        "/v1/session", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 401}, answer.text
    assert answer.json()["type"].startswith("urn:roadwatch:problem:")
