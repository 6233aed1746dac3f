"""What a request finds: the process's database, hub and live map, made once when the app starts."""

from dataclasses import dataclass

from fastapi import Request

from services.api.cursors import Cursors
from services.api.database import Database
from services.api.hub import Hub
from services.api.livemap import LiveMap
from services.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class State:
    """Shared by all requests of the process."""

    settings: Settings
    database: Database
    hub: Hub
    livemap: LiveMap
    alert_cursors: Cursors
    event_cursors: Cursors
    vehicle_cursors: Cursors


def state_of(request: Request) -> State:
    """The process's state."""
    state: State = request.app.state.roadwatch
    return state
