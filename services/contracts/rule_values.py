"""Which values of a rule's parameters hold: the sets in force at a moment, later ones above earlier, the defaults beneath."""

from collections.abc import Sequence
from typing import Any

from services.contracts.registry import RuleSet


def in_force(rule_sets: Sequence[RuleSet], at_ms: int) -> dict[str, dict[str, tuple[Any, RuleSet]]]:
    """Rule to parameter to the value that holds at an event time, and the set that gave it; what no set names is left out."""
    found: dict[str, dict[str, tuple[Any, RuleSet]]] = {}
    for rule_set in rule_sets:
        if (rule_set.from_ms is None or rule_set.from_ms <= at_ms) and (
            rule_set.to_ms is None or at_ms < rule_set.to_ms
        ):
            for rule, values in rule_set.parameters.items():
                found.setdefault(rule, {}).update({name: (value, rule_set) for name, value in values.items()})
    return found


def completed(shape: str, default: Any, given: Any) -> Any:
    """A parameter's value from what a set gives (None: nothing) and the default; a partial object changes only what it names."""
    if given is None:
        return default
    if shape == "by_class":
        return {**default, **given}
    if shape == "by_class_and_road":
        return {
            name: {} if given.get(name, ...) is None else {**default.get(name, {}), **(given.get(name) or {})}
            for name in {**default, **given}
        }
    return given
