"""The rules there are, and the parameters they share: literal tables; nothing registers itself by being imported."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.contracts.registry import RuleSet
from services.contracts.rule_values import ACCEPTED_ELSEWHERE, to_their_owners
from services.rules.catalogue.door_open import RULE as DOOR_OPEN
from services.rules.catalogue.fatigue import RULE as FATIGUE
from services.rules.catalogue.identity import RULE as IDENTITY
from services.rules.catalogue.route_deviation import RULE as ROUTE_DEVIATION
from services.rules.catalogue.silence import RULE as SILENCE
from services.rules.catalogue.speed_conflict import RULE as SPEED_CONFLICT
from services.rules.catalogue.speeding import RULE as SPEEDING
from services.rules.catalogue.stuck_position import RULE as STUCK_POSITION
from services.rules.catalogue.terminal_alarm import RULE as TERMINAL_ALARM
from services.rules.matching import MATCHING
from services.rules.parameters import check, complete
from services.rules.plausibility import PLAUSIBILITY
from services.rules.rule import Parameter, Rule, Shared

RULES: tuple[Rule, ...] = (
    SPEEDING,
    FATIGUE,
    ROUTE_DEVIATION,
)
PREPARED: tuple[Rule, ...] = (
    STUCK_POSITION,
    SPEED_CONFLICT,
    DOOR_OPEN,
    TERMINAL_ALARM,
    SILENCE,
    IDENTITY,
)
"""Built and held against their reference by tests, not yet in force: no label, no event, no rule set knows them."""
SHARED: tuple[Shared, ...] = (PLAUSIBILITY, MATCHING)
EVERYTHING: tuple[Rule | Shared, ...] = (*RULES, *SHARED)
BY_NAME = {each.name: each for each in EVERYTHING}
"""Whatever has parameters."""


def accepted(name: str) -> tuple[Parameter, ...]:
    """The parameters that a rule set may name under a rule: its own, and those accepted there beside their owner."""
    others = [
        parameter
        for (rule, given), (owner, its_name) in ACCEPTED_ELSEWHERE.items()
        for parameter in BY_NAME[owner].parameters
        if rule == name and parameter.name == its_name == given
    ]
    return (*BY_NAME[name].parameters, *others)


def check_parameters(parameters: Mapping[str, Any]) -> list[str]:
    """What is wrong with `{"<rule>": {"<parameter>": value}}`; empty when nothing is."""
    problems: list[str] = []
    for name, values in parameters.items():
        if name not in BY_NAME:
            problems.append(f"unknown rule {name!r}; known: {', '.join(BY_NAME)}")
        elif not isinstance(values, Mapping):
            problems.append(f"{name}: expected an object of parameters, got {values!r}")
        else:
            problems.extend(check(name, accepted(name), values))
    return problems


def periods(rule_sets: tuple[RuleSet, ...]) -> tuple[np.ndarray, list[dict[str, dict[str, Any]]]]:
    """Event times at which parameters change, ascending, and for each period between them what differs from the defaults."""
    edges = {
        edge for rule_set in rule_sets for edge in (rule_set.from_ms, rule_set.to_ms) if edge is not None
    }
    boundaries = sorted(edges)
    result: list[dict[str, dict[str, Any]]] = []
    for start in [None, *boundaries]:
        merged: dict[str, dict[str, Any]] = {}
        for rule_set in rule_sets:
            begun = rule_set.from_ms is None or (start is not None and rule_set.from_ms <= start)
            ended = rule_set.to_ms is not None and start is not None and rule_set.to_ms <= start
            if begun and not ended:
                for rule, values in rule_set.parameters.items():
                    merged[rule] = {**merged.get(rule, {}), **values}
        to_their_owners(merged)
        result.append(merged)
    return np.array(boundaries, np.int64), result


def packed(rule: Rule | Shared, overrides: list[dict[str, dict[str, Any]]]) -> np.ndarray:
    """One row of `rule.params_dtype` for each period."""
    rows = np.zeros(len(overrides), rule.params_dtype)
    for row, override in zip(rows, overrides, strict=True):
        rule.pack(complete(rule.parameters, override.get(rule.name, {})), row)
    return rows
