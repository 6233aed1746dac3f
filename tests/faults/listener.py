"""A client of the alert stream that is cut again and again and resumes by `Last-Event-ID`; it keeps what it was told, in order."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from services.runtime.clock import monotonic_s
from tests.api.support import open_stream

STREAM = "/v1/alerts/stream"
BROKEN = (OSError, TimeoutError, asyncio.IncompleteReadError, IndexError, ValueError)
"""What reading a stream ends with when the api is killed under it."""


@dataclass(slots=True)
class Listener:
    """Hears every event once, in order, or `faults` says what was wrong."""

    port: int
    token: str
    chance: random.Random
    stay_s: tuple[float, float] = (0.2, 4.0)
    heard: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    cuts: int = 0
    refusals: int = 0
    position: int = 0

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen()
            except BROKEN:
                self.refusals += 1
            await asyncio.sleep(self.chance.uniform(0.0, 0.5))

    async def _listen(self) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        if self.position:
            headers["Last-Event-ID"] = str(self.position)
        path = STREAM if self.position else f"{STREAM}?after=0"
        until_s = monotonic_s() + self.chance.uniform(*self.stay_s)
        async with open_stream(self.port, path, headers) as stream:
            if stream.status != 200:
                self.refusals += 1
                return
            while (left_s := until_s - monotonic_s()) > 0:
                try:
                    async with asyncio.timeout(left_s):
                        message = await stream.block()
                except TimeoutError:
                    break
                if message is None:
                    return
                if message.event == "reset":
                    self.faults.append(f"reset at {self.position}: {message.data}")
                if message.event and message.event.startswith("alert."):
                    self._hear(message.event, message.id, message.body)
        self.cuts += 1

    def _hear(self, event: str, number: str | None, body: dict[str, Any]) -> None:
        if number != str(body["seq"]) or event != body["type"]:
            self.faults.append(f"frame {number} {event} carries {body['seq']} {body['type']}")
        if body["seq"] != self.position + 1:
            self.faults.append(f"{body['seq']} came after {self.position}")
        self.position = body["seq"]
        self.heard.append(body)
