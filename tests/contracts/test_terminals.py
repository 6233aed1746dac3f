"""A terminal's number: how it is compared and how it is written."""

import pytest

from services.contracts.registry import normal_terminal, padded_terminal


@pytest.mark.parametrize(
    ("given", "compared", "written"),
    [
        ("013900000021", "13900000021", "013900000021"),
        ("13900000021", "13900000021", "013900000021"),
        ("00000000013900000021", "13900000021", "013900000021"),
        ("1234567890123", "1234567890123", "00000001234567890123"),
        ("0", "0", "000000000000"),
        ("T1", "T1", "T1"),
        ("00T1", "00T1", "00T1"),
    ],
)
def test_leading_zeros_do_not_distinguish_and_are_written_out(
    given: str, compared: str, written: str
) -> None:
    assert normal_terminal(given) == compared
    assert padded_terminal(compared) == written
