"""Handling over HTTP: what each action answers, tells and writes down; who may; what is refused and how."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api.handling.bodies import MOST_ITEMS
from services.api.handling.deadlines import escalate_one
from services.api.identity import Role
from services.contracts.alert import event_id, iso
from services.runtime.clock import now_ms
from services.store import audit
from tests.api.accounts import account, signed_in
from tests.api.support import BEGAN_MS, Api, event, open_stream, put, start

HOUR_MS = 3_600_000
PREFIX = "urn:roadwatch:problem:"


async def act(
    client: httpx2.AsyncClient, name: str, action: str, version: int | None, **body: Any
) -> httpx2.Response:
    headers = {} if version is None else {"if-match": f'"{version}"'}
    return await client.post(f"/v1/alerts/{name}/{action}", json=body, headers=headers)


def problem(answer: httpx2.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix(PREFIX)


async def test_from_siren_to_closure(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    await account(writer, "wang", Role.DISPATCHER)
    await account(writer, "li", Role.SUPERVISOR)
    wang, li = await signed_in(api, "wang"), await signed_in(api, "li")
    assert "handled" not in (await wang.get("/v1/alerts/alr_1")).json()
    due = iso(now_ms() // 1000 * 1000 + HOUR_MS)
    steps = [
        (wang, "acknowledge", {}, "acknowledged"), (wang, "claim", {"text": "我来"}, "assigned"),
        (li, "supervise", {"level": "normal", "due": due, "text": "请于一小时内办结"}, "assigned"),
        (li, "assign", {"account": "wang"}, "assigned"), (li, "comment", {"text": "已电话联系\n司机减速"}, "assigned"),
        (wang, "resolve", {"reason": "handled", "text": "已处理"}, "resolved"), (li, "reopen", {"text": "再查"}, "open"),
        (wang, "resolve", {"reason": "false_alarm"}, "resolved"),
    ]  # fmt: skip
    async with open_stream(api.port, "/v1/alerts/stream?after=1") as stream:
        for version, (client, action, body, state) in enumerate(steps):
            answer = await act(client, "alr_1", action, version, **body)
            assert answer.status_code == 200, answer.text
            shown = answer.json()
            assert (shown["handling"], shown["handled"]["version"]) == (state, version + 1)
            assert answer.headers["etag"] == f'"{version + 1}"'
            told = (await stream.events(1))[0].body
            assert (told["id"], told["sequence"], told["seq"]) == (
                event_id("alr_1", f"h{version + 1}"), version + 2, version + 2,
            )  # fmt: skip
            assert told["data"] == shown == (await wang.get("/v1/alerts/alr_1")).json()
    assert shown["handled"] | {"at": ""} == {
        "by": {"id": "acc_wang", "name": "账号 wang", "role": "dispatcher"}, "at": "", "assignee": None, "supervision": "normal", "due": due, "escalated": None,
        "reason": "false_alarm", "jt809_result": 2, "jt809_supervision": 1, "version": 8,
    }  # fmt: skip
    assert (await wang.get("/v1/alerts")).json()["items"] == [shown]
    assert (await wang.get("/v1/alerts?handling=open")).json()["items"] == []
    actions = (await wang.get("/v1/alerts/alr_1/actions")).json()["items"]
    assert [(item["by"]["id"], item["action"]) for item in actions] == [
        ("acc_wang" if client is wang else "acc_li", action) for client, action, _, _ in steps
    ]
    assert actions[4]["data"]["text"] == "已电话联系\n司机减速"
    written = [row async for page in audit.rows(writer) for row in page]
    assert [entry.action for _, entry, _ in written][2:] == [f"alert.{action}" for _, action, _, _ in steps]
    assert json.loads(written[-1][1].detail)["reason"] == "false_alarm"


async def test_events_have_their_types(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    due = iso(now_ms() + HOUR_MS)
    for version, (action, body) in enumerate(
        [("acknowledge", {}), ("claim", {}), ("comment", {"text": "x"}), ("supervise", {"level": "urgent", "due": due}),
         ("resolve", {"reason": "later"}), ("reopen", {"text": "x"})]
    ):  # fmt: skip
        assert (await act(api.client, "alr_1", action, version, **body)).status_code == 200
    assert [item["type"] for item in (await api.get("/v1/events")).json()["items"]] == [
        "alert.opened", "alert.acknowledged", "alert.assigned", "alert.commented", "alert.supervised", "alert.resolved", "alert.reopened",
    ]  # fmt: skip


async def test_who_comes_second_is_told_who_was_first(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    await account(writer, "wang", Role.DISPATCHER)
    await account(writer, "li", Role.DISPATCHER)
    wang, li = await signed_in(api, "wang"), await signed_in(api, "li")
    assert problem(await act(wang, "alr_1", "claim", None)) == (428, "precondition-required")
    assert problem(await wang.post("/v1/alerts/alr_1/claim", headers={"if-match": "*"})) == (
        428,
        "precondition-required",
    )
    assert (await act(wang, "alr_1", "claim", 0)).status_code == 200
    late = await li.post("/v1/alerts/alr_1/claim", headers={"if-match": '"0"', "accept-language": "en"})
    assert problem(late) == (412, "changed-meanwhile")
    assert late.headers["etag"] == '"1"'
    assert "账号 wang" in late.json()["detail"]
    assert "claim" in late.json()["detail"]
    (change,) = late.json()["changes"]
    assert (change["by"]["id"], change["action"], change["version"]) == ("acc_wang", "claim", 1)
    for tag in ('"9"', "x", '"', 'W/"1"', "-1", "99999999999999999999"):
        wrong = await li.post("/v1/alerts/alr_1/claim", headers={"if-match": tag})
        assert problem(wrong) == (412, "wrong-version"), tag
        assert wrong.headers["etag"] == '"1"'
    assert (await li.post("/v1/alerts/alr_1/claim", headers={"if-match": '"0", "1"'})).status_code == 200
    assert (await li.post("/v1/alerts/alr_1/claim", headers={"if-match": "2"})).status_code == 200
    comment = {"text": "没有 If-Match 也可以"}
    assert (await wang.post("/v1/alerts/alr_1/comment", json=comment)).headers["etag"] == '"4"'
    refused = await act(wang, "alr_1", "acknowledge", 4)
    assert problem(refused) == (409, "wrong-handling")
    assert (refused.json()["handling"], refused.headers["etag"]) == ("assigned", '"4"')


async def test_an_enterprise_handles_its_own_alerts_and_knows_no_others(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("mine", operator="甲公司"), event("theirs", operator="乙公司")])
    await account(writer, "jia", Role.ENTERPRISE, operators=["甲公司"])
    await account(writer, "li", Role.SUPERVISOR, operators=["乙公司"])
    jia = await signed_in(api, "jia")
    for action, body in (("acknowledge", {}), ("comment", {"text": "x"}), ("resolve", {"reason": "handled"})):
        assert problem(await act(jia, "theirs", action, 0, **body)) == (404, "alert-not-found"), action
    assert problem(await jia.get("/v1/alerts/theirs/actions")) == (404, "alert-not-found")
    due = iso(now_ms() + HOUR_MS)
    beyond: dict[str, dict[str, str]] = {
        "claim": {}, "assign": {"account": "jia"}, "supervise": {"level": "normal", "due": due}, "reopen": {"text": "x"},
    }  # fmt: skip
    for action, said in beyond.items():
        assert problem(await act(jia, "mine", action, 0, **said)) == (403, "forbidden"), action
    for version, (action, said) in enumerate(
        [("acknowledge", {}), ("comment", {"text": "x"}), ("resolve", {"reason": "handled"})]
    ):
        assert (await act(jia, "mine", action, version, **said)).status_code == 200, action
    bulk = await jia.post("/v1/alerts/acknowledge", json={"items": [{"id": "theirs", "version": 0}]})
    assert bulk.json()["items"][0]["problem"]["type"] == PREFIX + "alert-not-found"
    assert await writer.fetchval("SELECT count(*) FROM alert_action WHERE alert_id = 'theirs'") == 0
    assert (await jia.get("/v1/alerts/groups")).json()["alerts"] == 0, "what it sees is resolved"
    period = {"from": iso(now_ms() - HOUR_MS), "to": iso(now_ms() + HOUR_MS)}
    assert (await jia.get("/v1/shifts/summary", params=period)).json()["done"]["total"] == 3
    await act(api.client, "theirs", "claim", 0)
    assert (await jia.get("/v1/shifts/summary", params=period)).json()["done"]["total"] == 3
    assert (await act(api.client, "mine", "reopen", 3, text="x")).status_code == 200
    for wrong in ("li", "acc_nobody"):  # who does not see it; nobody
        refused = await act(api.client, "mine", "assign", 4, account=wrong)
        assert problem(refused) == (400, "invalid-body"), wrong
        assert refused.json()["errors"][0]["pointer"] == "#/body/account"


async def test_a_deadline_escalates_once_whoever_looks_and_after_a_restart(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("late"), event("met"), event("later")])
    due_ms = now_ms() + HOUR_MS
    for name, offset in (("late", 0), ("met", 0), ("later", 1)):
        body = {"level": "normal", "due": iso(due_ms + offset)}
        assert (await act(api.client, name, "supervise", 0, **body)).status_code == 200
    await act(api.client, "met", "resolve", 1, reason="handled")
    assert await escalate_one(api.state.database, due_ms - 1) is None
    other = await start(api.settings)
    try:
        looks = [escalate_one(one.state.database, due_ms) for one in (api, other) for _ in range(4)]
        assert sorted(filter(None, await asyncio.gather(*looks))) == ["late"]
    finally:
        await other.stop()
    shown = (await api.get("/v1/alerts/late")).json()
    assert (shown["handling"], shown["handled"]["supervision"], shown["handled"]["escalated"]) == (
        "open",
        "urgent",
        iso(due_ms),
    )
    last = (await api.get("/v1/events")).json()["items"][-1]
    assert (last["type"], last["alert"], last["data"]) == ("alert.escalated", "late", shown)
    assert await escalate_one(api.state.database, due_ms + 1) == "later"
    assert await escalate_one(api.state.database, due_ms + HOUR_MS) is None


async def test_the_process_looks_after_deadlines_by_itself(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("late")])
    await act(api.client, "late", "supervise", 0, level="normal", due=iso(now_ms() + 1500))
    async with open_stream(api.port, "/v1/alerts/stream?after=2") as stream:
        (message,) = await stream.events(1)
    assert message.body["type"] == "alert.escalated"


async def test_a_storm_is_one_group_and_acknowledged_as_a_list(api: Api, writer: asyncpg.Connection) -> None:
    storm = [event(f"s{place}", began_ms=BEGAN_MS + place * 1000, why={"road": "G6"}) for place in range(5)]
    await put(writer, [*storm, event("alone", rule="fatigue", kind="night", severity="critical")])
    found = (await api.get("/v1/alerts/groups")).json()
    assert ([group["count"] for group in found["items"]], found["alerts"], found["left_out"]) == (
        [1, 5],
        6,
        0,
    )
    group = found["items"][1]
    assert (group["basis"], group["place"], group["severity"]) == ("place", "G6", "major")
    await act(api.client, "s1", "claim", 0)
    done = (await api.client.post("/v1/alerts/acknowledge", json={"items": group["items"]})).json()
    assert (done["done"], done["refused"]) == (4, 1)
    assert [item["version"] for item in done["items"]] == [1, None, 1, 1, 1]
    assert done["items"][1]["problem"]["type"] == PREFIX + "changed-meanwhile"
    assert [
        item["count"] for item in (await api.get("/v1/alerts/groups", handling="open")).json()["items"]
    ] == [1]
    again = (await api.get("/v1/alerts/groups", rule="speeding")).json()["items"][0]
    assert again["handlings"] == {"acknowledged": 4, "assigned": 1}


async def test_a_shift_is_counted_by_action_and_actor(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event(name) for name in ("a", "b", "c")])
    await account(writer, "wang", Role.DISPATCHER)
    wang = await signed_in(api, "wang")
    from_ms = now_ms()
    await act(wang, "a", "claim", 0)
    await act(wang, "a", "resolve", 1, reason="no_action")
    await act(wang, "b", "acknowledge", 0)
    await act(api.client, "b", "comment", None, text="x")
    period = {"from": iso(from_ms), "to": iso(now_ms() + HOUR_MS)}
    found = (await wang.get("/v1/shifts/summary", params=period)).json()
    assert (found["open"]["alerts"], found["open"]["handlings"]) == (
        2,
        {"open": 1, "acknowledged": 1, "assigned": 0},
    )
    assert (found["done"]["total"], found["done"]["resolutions"]["no_action"]) == (4, 1)
    assert found["done"]["by"] == [
        {
            "id": "acc_wang",
            "name": "账号 wang",
            "total": 3,
            "actions": {"acknowledge": 1, "claim": 1, "resolve": 1},
        },
        {"id": "system", "name": "system", "total": 1, "actions": {"comment": 1}},
    ]
    before = {"from": iso(from_ms - HOUR_MS), "to": iso(from_ms)}
    assert (await wang.get("/v1/shifts/summary", params=before)).json()["done"]["total"] == 0


async def test_actions_are_paged(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("a"), event("b")])
    for _ in range(5):
        await act(api.client, "a", "comment", None, text="x")
    first = (await api.get("/v1/alerts/a/actions", limit=3)).json()
    rest = (await api.get("/v1/alerts/a/actions", limit=3, cursor=first["next"])).json()
    assert [item["version"] for item in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert rest["next"] is None
    assert problem(await api.get("/v1/alerts/b/actions", cursor=first["next"])) == (400, "cursor-mismatch")


WRONG: list[tuple[str, str | bytes]] = [
    ("acknowledge", '{"x": 1}'), ("acknowledge", "[]"), ("acknowledge", "1"), ("acknowledge", "{"), ("claim", '{"text": ""}'),
    ("claim", '{"text": "\\u0000"}'), ("claim", '{"text": "\\ud800"}'), ("assign", ""), ("assign", "{}"), ("assign", '{"account": 1}'),
    ("assign", '{"account": "nobody"}'), ("assign", '{"account": "a\\u0000"}'), ("comment", "null"), ("comment", '{"text": null}'),
    ("comment", '{"text": "  "}'), ("comment", '{"text": "' + "x" * 2001 + '"}'), ("comment", "[" * 100_000), ("comment", "NaN"),
    ("comment", b"\xff\xfe"), ("comment", b'{"text": "\xff"}'), ("supervise", '{"level": "normal"}'),
    ("supervise", '{"level": "high", "due": "2030-01-01T00:00:00Z"}'), ("supervise", '{"level": "normal", "due": "tomorrow"}'),
    ("supervise", '{"level": "normal", "due": "2020-01-01T00:00:00Z"}'), ("supervise", '{"level": "normal", "due": "9999-12-31T23:59:59-12:00"}'),
    ("supervise", '{"level": "normal", "due": "0001-01-01T00:00:00+14:00"}'), ("supervise", '{"level": 0, "due": 5}'),
    ("resolve", '{"reason": "done"}'), ("resolve", '{"reason": ["handled"]}'), ("resolve", '{"reason": {}}'), ("reopen", "{}"),
]  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_wrong_body_is_a_problem_that_says_where(
    api: Api, writer: asyncpg.Connection, language: str
) -> None:
    await put(writer, [event("alr_1")])
    headers = {"if-match": '"0"', "content-type": "application/json", "accept-language": language}
    for action, body in WRONG:
        answer = await api.client.post(f"/v1/alerts/alr_1/{action}", content=body, headers=headers)
        assert problem(answer) == (400, "invalid-body"), (action, body[:60], answer.text)
        assert answer.json()["errors"], (action, body[:60])
        assert all(fault["detail"].isascii() == (language == "en") for fault in answer.json()["errors"]), (
            answer.text
        )
    plain = await api.client.post(
        "/v1/alerts/alr_1/comment", content="hello", headers={**headers, "content-type": "text/plain"}
    )
    assert problem(plain) == (415, "unsupported-media-type")
    items: list[Any] = [[], [{}], [{"id": "a"}], [{"id": "", "version": 0}], [{"id": "a", "version": -1}], [{"id": "a", "version": 2**40}],
                        [{"id": "a", "version": 1.5}], [{"id": "a", "version": "0"}], [{"id": "a", "version": 0, "x": 1}],
                        [{"id": "a", "version": 0}] * (MOST_ITEMS + 1), "a", None]  # fmt: skip
    for wrong in items:
        answer = await api.client.post("/v1/alerts/acknowledge", json={"items": wrong}, headers=headers)
        assert problem(answer) == (400, "invalid-body"), wrong
    odd = await api.client.post("/v1/alerts/acknowledge", json={"items": [{"id": "a\0", "version": 0}]})
    assert odd.json()["items"][0]["problem"]["status"] == 404
    assert await writer.fetchval("SELECT count(*) FROM alert_action") == 0


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/shifts/summary", "invalid-parameter"),
        ("/v1/shifts/summary?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid-parameter"),
        ("/v1/shifts/summary?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z", "period-too-long"),
        ("/v1/shifts/summary?from=2026-01-01T00:00:00Z&to=9999-12-31T23:59:59-12:00", "invalid-parameter"),
        ("/v1/alerts?from=9999-12-31T23:59:59-12:00", "invalid-parameter"),
        ("/v1/alerts?from=0001-01-01T00:00:00%2B14:00", "invalid-parameter"),
        ("/v1/alerts/groups?window=1", "invalid-parameter"),
        ("/v1/alerts/groups?handling=done", "invalid-parameter"),
        ("/v1/alerts/groups?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "invalid-parameter"),
        ("/v1/alerts/groups?x=1", "unknown-parameter"),
        ("/v1/alerts/x/actions?cursor=abc", "invalid-cursor"),
    ],
)
async def test_a_wrong_parameter_is_a_problem(api: Api, path: str, code: str) -> None:
    assert problem(await api.get(path)) == (400, code)


@pytest.mark.parametrize("name", ["alr_0", "%00", "%ff", "a" * 64])
async def test_an_alert_that_is_not_there(api: Api, name: str) -> None:
    for action, body in (("claim", {}), ("comment", {"text": "x"})):
        assert problem(await act(api.client, name, action, 0, **body)) == (404, "alert-not-found")
    assert problem(await api.get(f"/v1/alerts/{name}/actions")) == (404, "alert-not-found")


async def test_two_who_look_at_one_alert_see_each_other(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1"), event("alr_2", division="640200")])
    for login in ("wang", "li"):
        await account(writer, login, Role.DISPATCHER)
    await account(writer, "far", Role.DISPATCHER, divisions=["6402"])
    await account(writer, "firm", Role.ENTERPRISE)
    wang, li, far, firm = [await signed_in(api, login) for login in ("wang", "li", "far", "firm")]

    async def look(client: httpx2.AsyncClient, name: str = "alr_1") -> list[str]:
        answer = await client.put(f"/v1/alerts/{name}/viewing")
        assert answer.status_code == 200, answer.text
        return [person["name"] for person in answer.json()["others"]]

    assert await look(wang) == []
    assert await look(li) == ["账号 wang"]
    assert await look(wang) == ["账号 li"]
    assert await look(far, "alr_2") == []
    assert await look(wang, "alr_2") == ["账号 far"], "of two alerts one each"
    assert problem(await far.put("/v1/alerts/alr_1/viewing")) == (404, "alert-not-found")
    assert problem(await firm.put("/v1/alerts/alr_1/viewing")) == (403, "forbidden")
    assert (await li.delete("/v1/alerts/alr_1/viewing")).status_code == 204
    assert await look(wang) == []
    assert await look(li) == ["账号 wang"]
    await writer.execute("UPDATE viewing SET until = until - interval '16 seconds' WHERE account = 'acc_li'")
    assert await look(wang) == [], "who says nothing is gone after 15 s"
    assert await writer.fetchval("SELECT count(*) FROM alert_event") == 2
