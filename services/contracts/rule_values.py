"""Which values of a rule's parameters hold: the sets in force at a moment, later ones above earlier, the defaults beneath."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from services.contracts.registry import RuleSet

T = TypeVar("T")

ACCEPTED_ELSEWHERE = {
    ("speeding", name): ("matching", name) for name in ("match_radius_m", "match_heading_deg", "moving_kmh")
}
"""Parameters that a rule set may also name under another rule than their owner; what it says under the owner counts."""


def to_their_owners(values: dict[str, dict[str, T]]) -> None:
    """Move what is named elsewhere to its owner, in place; what the owner has already stays."""
    for (rule, name), (owner, its_name) in ACCEPTED_ELSEWHERE.items():
        if name in values.get(rule, {}):
            values[rule] = dict(values[rule])
            values.setdefault(owner, {}).setdefault(its_name, values[rule].pop(name))


def in_force(rule_sets: Sequence[RuleSet], at_ms: int) -> dict[str, dict[str, tuple[Any, RuleSet]]]:
    """Rule to parameter to the value that holds at an event time, and the set that gave it; what no set names is left out."""
    found: dict[str, dict[str, tuple[Any, RuleSet]]] = {}
    for rule_set in rule_sets:
        if (rule_set.from_ms is None or rule_set.from_ms <= at_ms) and (
            rule_set.to_ms is None or at_ms < rule_set.to_ms
        ):
            for rule, values in rule_set.parameters.items():
                found.setdefault(rule, {}).update({name: (value, rule_set) for name, value in values.items()})
    to_their_owners(found)
    return found


def completed(shape: str, default: Any, given: Any) -> Any:
    """A parameter's value from what a set gives (None: nothing) and the default; a partial object changes only what it names."""
    if given is None:
        return default
    if shape == "by_kind" and not isinstance(given, Mapping):
        return dict.fromkeys(default, given)
    if shape in ("by_class", "by_kind", "severities"):
        return {**default, **given}
    if shape == "by_class_and_road":
        return {
            name: {} if given.get(name, ...) is None else {**default.get(name, {}), **(given.get(name) or {})}
            for name in {**default, **given}
        }
    return given
