"""`python -m services.cli.rules_document`: what the rules and the parameters they share are, from their own words, for the api, which knows no rule: services/api/rules.json.

The file is kept in the repository and a test asks for it to be fresh.
"""

import importlib
import json
import sys
from dataclasses import asdict
from typing import Any

from services.rules.registry import EVERYTHING, SHARED
from services.rules.rule import Rule, Shared

HEADINGS = {
    "What it flags": "flags",
    "Legal basis": "basis",
    "Opens, escalates, closes": "course",
    "Ignores": "ignores",
}


def text() -> str:
    """The document as the repository keeps it."""
    return json.dumps([_rule(rule) for rule in EVERYTHING], ensure_ascii=False, indent=1) + "\n"


def _rule(rule: Rule | Shared) -> dict[str, Any]:
    folder = "services.rules" if rule in SHARED else "services.rules.catalogue"
    module = importlib.import_module(f"{folder}.{rule.name}")
    return {
        "name": rule.name,
        **sections(module.__doc__ or ""),
        "parameters": [asdict(parameter) for parameter in rule.parameters],
    }


def sections(docstring: str) -> dict[str, str]:
    """The paragraphs under a rule's headings, each as one line."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in docstring.splitlines():
        if line in HEADINGS:
            current = found.setdefault(HEADINGS[line], [])
        elif line.startswith("    "):
            current.append(line.strip())
    return {name: " ".join(lines) for name, lines in found.items()}


if __name__ == "__main__":
    sys.stdout.write(text())
