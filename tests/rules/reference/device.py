"""What terminals tell of themselves and of doors: terminal alarms, stuck positions, speeds that contradict each other, open doors."""

from collections.abc import Mapping, Sequence

from services.contracts.registry import Config
from tests.rules.reference.fixes import Fix
from tests.rules.reference.parameters import class_at, in_force
from tests.rules.reference.runs import Hit, RunRule, Seen


def _terminal_alarm(config: Config, fix: Fix, _driver: int) -> Mapping[str, Hit]:
    told = in_force(config, "terminal_alarm", fix.time_ms)["alarms"]
    return {name: Hit(name) for name in fix.alarms if told.get(name) is not None}


def _alarm_severity(config: Config, first: Seen, last: Seen, _graver: bool) -> str:
    assert first.hit is not None
    severity: str = last.parameters["alarms"][first.hit.kind]
    return severity


def _newest_fixed(fixes: Sequence[Fix], fix: Fix) -> Fix:
    fixed = [other for other in fixes if not other.not_fixed and other.time_ms <= fix.time_ms]
    return fixed[-1] if fixed else fix


def _stuck(config: Config, fix: Fix, _driver: int) -> Mapping[str, Hit]:
    assert fix.used_speed is not None
    fast = fix.used_speed >= in_force(config, "stuck_position", fix.time_ms).tenths("stuck_kmh")
    return {"": Hit("stuck")} if fast else {}


def _conflict(config: Config, fix: Fix, _driver: int) -> Mapping[str, Hit]:
    assert fix.speed is not None
    assert fix.recorder_speed is not None
    apart = abs(fix.speed - fix.recorder_speed)
    limit = in_force(config, "speed_conflict", fix.time_ms).tenths("conflict_kmh")
    return {"": Hit("conflict", value=apart)} if apart > limit else {}


def _door_open(config: Config, fix: Fix, _driver: int) -> Mapping[str, Hit]:
    parameters = in_force(config, "door_open", fix.time_ms)
    assert fix.used_speed is not None
    open_door = bool(set(fix.doors or ()) & {"front", "middle", "rear"})
    named = class_at(config, fix.vehicle, fix.time_ms).value in parameters["classes"]
    if named and open_door and fix.used_speed >= parameters.tenths("moving_kmh"):
        return {"": Hit("moving", graver=fix.pupils is True)}
    return {}


terminal_alarm = RunRule(
    "terminal_alarm", lambda _fix: True, _terminal_alarm, _alarm_severity, at=_newest_fixed
)
stuck_position = RunRule(
    "stuck_position",
    lambda fix: not fix.not_fixed and not fix.speed_implausible and fix.used_speed is not None,
    _stuck,
    lambda *_: "minor",
    reach="stuck_m",
)
speed_conflict = RunRule(
    "speed_conflict",
    lambda fix: not fix.not_fixed and fix.speed is not None and fix.recorder_speed is not None,
    _conflict,
    lambda *_: "info",
    limit=lambda parameters, _kind: parameters.tenths("conflict_kmh"),
)
door_open = RunRule(
    "door_open",
    lambda fix: fix.has_speed,
    _door_open,
    lambda _config, _first, _last, graver: "critical" if graver else "major",
)
