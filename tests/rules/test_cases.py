"""The worked cases as the compiled engine judges them: the reference and the engine are held against the same figures."""

import numpy as np
import pytest
from msgspec.structs import replace

from services.contracts.alert import alert_id
from services.contracts.fix import Fixes
from services.contracts.registry import Config
from services.rules.assignments import assignment_key
from services.rules.engine import Engine
from services.rules.limits import road_names
from services.rules.transitions import Transition
from tests.rules.cases import CASES, Case, differences
from tests.rules.reference import Episode, to_records

UNITS = {"km/h": 10, "s": 1000, "m": 1}


def judged(config: Config, fixes: Fixes, pieces: int = 1) -> list[Transition]:
    """The last that was told of each episode, in the order of their beginnings."""
    engine = Engine(config, str)
    told = [t for part in np.array_split(fixes, pieces) for t in engine.judge(part.copy())]
    last = {t.alert.id: t for t in told + engine.open_episodes()}
    return sorted(last.values(), key=lambda t: (t.began_ms, t.episode.rule, t.episode.kind))


def in_the_words_of_cases(config: Config, told: Transition) -> Episode:
    """An engine's episode under the names and in the units of the cases."""
    episode, why = told.episode, dict(told.episode.why)
    factor = UNITS[episode.unit]
    at_ms = _ms(episode.at.time)
    last_ms = at_ms if episode.rule == "fatigue" else told.began_ms + round(why["duration_s"] * 1000)
    if episode.rule == "speeding":
        called = road_names(config)
        why["road"] = {called(place): place for place in range(len(config.roads))}.get(why["road"])
        why["statutory"] = round(why["statutory_kmh"] * 10)
    if episode.rule == "fatigue":
        why["spell_began_ms"] = _ms(why["spell_began"])
        why["timeline"] = [(part["state"], _ms(part["from"]), _ms(part["to"])) for part in why["timeline"]]
    if episode.rule == "route_deviation":
        keys = (f"{assignment_key(duty) & (1 << 64) - 1:016x}" for duty in config.assignments)
        ids = [alert_id(episode.rule, episode.vehicle, key, episode.kind, told.began_ms) for key in keys]
        why["assignment"] = ids.index(told.alert.id)
    return Episode(
        rule=episode.rule, kind=episode.kind, vehicle=told.vehicle, driver=int(episode.driver) if episode.driver else None,
        began_ms=told.began_ms, ended_ms=told.ended_ms, last_ms=last_ms, state=str(episode.state),
        severity=str(episode.severity), confidence=episode.confidence,
        at=(at_ms, round(told.lon * 1e7), round(told.lat * 1e7)), limit=episode.limit * factor,
        peak=round(episode.peak * factor, 3), band=why.get("band"), why=why,
    )  # fmt: skip


def _ms(time: str) -> int:
    return int(np.datetime64(time.rstrip("Z"), "ms").astype(np.int64))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_judged_as_worked_out_by_hand(case: Case) -> None:
    assert found(case, 1) == []


@pytest.mark.parametrize("pieces", [2, 7, 100])
def test_a_case_may_be_cut_anywhere(pieces: int) -> None:
    assert [(case.name, wrong) for case in CASES for wrong in found(case, pieces)] == []


def found(case: Case, pieces: int) -> list[str]:
    """What of a case the engine sees otherwise."""
    config = with_named_roads(case.config)
    told = judged(config, to_records(case.fixes), pieces)
    return differences([in_the_words_of_cases(config, t) for t in told], case)


def with_named_roads(config: Config) -> Config:
    """The same, a road without a name called by its place: by that the engine's answer is known again."""
    roads = [
        replace(road, name=road.name or (None if road.ref else f"#{place}"))
        for place, road in enumerate(config.roads)
    ]
    return replace(config, roads=tuple(roads))
