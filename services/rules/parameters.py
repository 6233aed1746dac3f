"""Values of parameters as a rule set gives them: checked against shape and range, completed with the defaults."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.contracts.alert import SEVERITIES
from services.contracts.registry import CLASSES, ROAD_CLASSES
from services.contracts.rule_values import completed
from services.rules.rule import Parameter

WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
CLASS_NAMES = tuple(item.value for item in CLASSES)
ROAD_NAMES = tuple(item.value for item in ROAD_CLASSES)
SEVERITY_NAMES = tuple(item.value for item in SEVERITIES)
DAY_MS = 86_400_000


def check(rule: str, parameters: Sequence[Parameter], values: Mapping[str, Any]) -> list[str]:
    """What is wrong with a rule's values; every message names rule, parameter, value and what is expected."""
    known = {parameter.name: parameter for parameter in parameters}
    problems = []
    for name, value in values.items():
        if name not in known:
            problems.append(f"{rule}.{name}: unknown parameter; known: {', '.join(known)}")
            continue
        problems += [f"{rule}.{name}: {problem}" for problem in _value(known[name], value)]
    return problems


def _value(parameter: Parameter, value: Any) -> list[str]:
    look = SHAPES.get(parameter.shape)
    return _number(parameter, value, nullable=False) if look is None else look(parameter, value)


def _window_text(_parameter: Parameter, value: Any) -> list[str]:
    return [] if isinstance(value, str) and _window(value) else [f"{value!r}: expected HH:MM-HH:MM"]


def _by_class(parameter: Parameter, value: Any) -> list[str]:
    return _keyed(parameter, value, CLASS_NAMES, lambda item: _number(parameter, item, nullable=True))


def _by_class_and_road(parameter: Parameter, value: Any) -> list[str]:
    def roads(item: Any) -> list[str]:
        return _keyed(parameter, item, ROAD_NAMES, lambda limit: _number(parameter, limit, nullable=True))

    return _keyed(parameter, value, CLASS_NAMES, roads)


def _by_kind(parameter: Parameter, value: Any) -> list[str]:
    if not isinstance(value, Mapping):
        return _number(parameter, value, nullable=False)
    return _keyed(parameter, value, parameter.names, lambda item: _number(parameter, item, nullable=False))


def _boolean(_parameter: Parameter, value: Any) -> list[str]:
    return [] if isinstance(value, bool) else [f"{value!r}: expected true or false"]


def _classes(_parameter: Parameter, value: Any) -> list[str]:
    return _list(value, CLASS_NAMES)


def _severities(parameter: Parameter, value: Any) -> list[str]:
    return _keyed(parameter, value, parameter.names, _severity)


SHAPES: Mapping[str, Callable[[Parameter, Any], list[str]]] = {
    "window": _window_text,
    "by_class": _by_class,
    "by_class_and_road": _by_class_and_road,
    "by_kind": _by_kind,
    "boolean": _boolean,
    "classes": _classes,
    "severities": _severities,
}
"""How a value of each shape is looked at; a shape that is not here is a number."""


def _list(value: Any, names: Sequence[str]) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return [f"{value!r}: expected a list of {', '.join(names)}"]
    return [f"{item!r}: unknown; known: {', '.join(names)}" for item in value if item not in names]


def _severity(value: Any) -> list[str]:
    if value is None or value in SEVERITY_NAMES:
        return []
    return [f"{value!r}: expected {', '.join(SEVERITY_NAMES)} or null"]


def _keyed(parameter: Parameter, value: Any, names: Sequence[str], one: Any) -> list[str]:
    if value is None and parameter.shape == "by_class_and_road" and names is ROAD_NAMES:
        return []
    if not isinstance(value, Mapping):
        return [f"{value!r}: expected an object by {', '.join(names)}"]
    problems = [f"{name!r}: unknown; known: {', '.join(names)}" for name in value if name not in names]
    for name in names:
        if name in value:
            problems += [f"{name}: {problem}" for problem in one(value[name])]
    return problems


def _number(parameter: Parameter, value: Any, *, nullable: bool) -> list[str]:
    if value is None and nullable:
        return []
    expected = f"expected {parameter.low:g} to {parameter.high:g} {parameter.unit}".rstrip()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return [f"{value!r}: {expected}"]
    if not parameter.low <= value <= parameter.high:
        return [f"{value!r} is out of range: {expected}"]
    if (parameter.shape == "integer" or parameter.whole) and value != int(value):
        return [f"{value!r}: expected a whole number"]
    return []


def complete(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter's value: the given one, else the default; a partial object changes only what it names."""
    return {
        parameter.name: completed(parameter.shape, parameter.default, values.get(parameter.name))
        for parameter in parameters
    }


def _window(text: str) -> tuple[int, int] | None:
    match = WINDOW.fullmatch(text)
    if match is None:
        return None
    hours = [int(part) for part in match.groups()]
    start, end = (hours[0] * 60 + hours[1]) * 60_000, (hours[2] * 60 + hours[3]) * 60_000
    return (start, end) if end <= DAY_MS else None


def window_ms(text: str) -> tuple[int, int]:
    """A checked window as local milliseconds of the day, from and to; to 24:00 is 86,400,000.

    Raises:
        ValueError: it is none.
    """
    window = _window(text)
    if window is None:
        raise ValueError(f"{text!r}: expected HH:MM-HH:MM")
    return window


def tenths(kmh: float) -> int:
    """km/h in 0.1 km/h, half up."""
    return math.floor(kmh * 10 + 0.5 + 1e-9)


def milliseconds(seconds: float) -> int:
    """Seconds in ms, half up."""
    return math.floor(seconds * 1000 + 0.5)
