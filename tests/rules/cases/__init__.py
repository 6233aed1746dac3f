"""Worked cases of the three rules: small drives and what must be found in them, worked out by hand from docs/semantics.md.

The reference and the engine are both held against them, so that the two cannot agree on an error.
"""

from tests.rules.cases import bursts, doubts, frozen, moving, roads, routes, spells
from tests.rules.cases.building import Case, differences

__all__ = ["CASES", "Case", "differences"]

CASES: list[Case] = [
    *bursts.CASES,
    *frozen.CASES,
    *roads.CASES,
    *doubts.CASES,
    *routes.CASES,
    *spells.CASES,
    *moving.CASES,
]
