"""The reference implementations find what the worked cases say, no more and no less."""

import pytest

from tests.rules.cases import CASES, Case, differences
from tests.rules.reference import from_records, judge, to_records


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_judged_as_worked_out_by_hand(case: Case) -> None:
    assert differences(judge(case.config, case.fixes), case) == []


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fixes_survive_packing(case: Case) -> None:
    assert from_records(to_records(case.fixes)) == case.fixes
