"""The frame of a service: what counts as a server that is away, and is waited for."""

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.runtime.interruptions import FenceLost, OutOfStep
from services.runtime.kafka import KafkaAway
from services.runtime.service import MOST_OUT_OF_STEP, Service, _sessions, became_ready
from services.runtime.settings import Settings


@pytest.mark.parametrize(
    "error",
    [
        KafkaAway("no answer"),
        TimeoutError(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.InterfaceError("the connection is closed"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    ],
)
async def test_a_server_that_is_away_is_waited_for(error: Exception) -> None:
    service = Service("test", Settings())
    seen: list[bool] = []

    async def session(service: Service) -> None:
        seen.append(service.ready)
        if len(seen) == 1:
            became_ready(service)
            raise error
        service.stopping.set()

    with capture_logs() as logs:
        await _sessions(service, session)
    assert seen == [False, False]
    assert [line["event"] for line in logs] == ["ready", "waiting"]


def ended(cause: str) -> float:
    return REGISTRY.get_sample_value("roadwatch_sessions_ended_total", {"cause": cause}) or 0.0


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (FenceLost("epoch 3 is no longer ours"), "fence_lost"),
        (OutOfStep("7 to 9 came, 5 is next"), "out_of_step"),
        (KafkaAway("no answer"), "server_away"),
        (ConnectionRefusedError("no answer"), "server_away"),
    ],
)
async def test_why_a_session_ended_is_told_apart(error: Exception, cause: str) -> None:
    service = Service("test", Settings())
    causes = ("fence_lost", "out_of_step", "server_away")

    async def session(service: Service) -> None:
        if service.detail:
            service.stopping.set()
            return
        service.detail["begun"] = True
        became_ready(service)
        raise error

    before = {each: ended(each) for each in causes}
    with capture_logs() as logs:
        await _sessions(service, session)
    assert {each: ended(each) - before[each] for each in causes} == {
        each: float(each == cause) for each in causes
    }
    said = [line for line in logs if line["event"] != "ready"]
    assert [line["event"] for line in said] == ["waiting" if cause == "server_away" else cause]
    assert str(error) in said[0]["error"]
    if cause == "server_away":
        assert said[0]["server"] == ("kafka" if isinstance(error, KafkaAway) else "postgresql")


async def test_out_of_step_again_and_again_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claiming again mends what an earlier assignment left; where it does not, going on would be for ever."""

    async def at_once(_service: Service, _seconds: float) -> None:
        return

    monkeypatch.setattr(Service, "pause", at_once)
    begun: list[None] = []

    async def session(_service: Service) -> None:
        begun.append(None)
        raise OutOfStep("7 to 9 came, 5 is next")

    with pytest.raises(OutOfStep):
        await _sessions(Service("test", Settings()), session)
    assert len(begun) == MOST_OUT_OF_STEP


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a mistake"),
        asyncpg.UniqueViolationError("an event is there already"),
        asyncpg.CheckViolationError("a row that may not be"),
        asyncpg.NumericValueOutOfRangeError("a number too large for its column"),
    ],
)
async def test_anything_else_ends_the_process(error: Exception) -> None:
    """What the database refuses it refuses again: waiting for it would be for ever, and look like an outage."""

    async def session(_service: Service) -> None:
        raise error

    with pytest.raises(type(error), match=str(error)):
        await _sessions(Service("test", Settings()), session)
