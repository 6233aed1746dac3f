"""`rules.json`: parameters that differ from the defaults. What a rule's parameters are and may be is known to the rules, not here."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.contracts.registry import RuleSet
from services.contracts.registry_files.refusal import Errors, Parsed
from services.contracts.registry_files.tables import decoded
from services.contracts.registry_files.values import BadValue

Parameters = dict[str, dict[str, Any]]
CheckRules = Callable[[Mapping[str, Mapping[str, Any]]], Sequence[str]]
"""What is wrong with the parameters, one message each; `services.rules.registry.check_parameters`."""


class _Twice(ValueError):
    """A name stands twice in one object: the last would silently win."""


def parse_rules(name: str, data: bytes, check_rules: CheckRules) -> Parsed[RuleSet]:
    """`rules.json` as one rule set that holds for all time.

    Raises:
        FilesRefused: not JSON, not of this shape, or refused by `check_rules`.
    """
    errors = Errors(name)
    parameters = _read(errors, decoded(errors, data))
    errors.raise_if_any()
    for message in check_rules(parameters):
        errors.add(None, None, None, BadValue("规则参数有误", message))
    errors.raise_if_any()
    return Parsed(name, (RuleSet(parameters=parameters),), (1,))


def _read(errors: Errors, text: str) -> Parameters:
    try:
        found = json.loads(text, object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        errors.add(error.lineno, None, None, BadValue("不是有效的 JSON", f"not JSON: {error.msg}"))
        return {}
    except (ValueError, RecursionError) as error:
        errors.add(None, None, None, BadValue("不是有效的 JSON", f"not JSON: {error}"))
        return {}
    if not isinstance(found, dict):
        errors.add(None, None, None, _wrong_shape())
        return {}
    for rule, parameters in found.items():
        if not isinstance(parameters, dict):
            errors.add(None, rule, parameters, _wrong_shape())
    return found


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Twice(f"{twice} stands twice")
    return found


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _wrong_shape() -> BadValue:
    return BadValue('应为 {"规则": {"参数": 值}}', 'expected {"<rule>": {"<parameter>": value}}')
