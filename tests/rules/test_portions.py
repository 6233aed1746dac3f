"""A backlog is judged a portion at a time: nothing lost, nothing twice, none larger than can be judged between two heartbeats."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.rules.worker import PORTION_BYTES, portions


@dataclass(frozen=True)
class Record:
    """What is asked of a record."""

    offset: int
    value: bytes | None


@given(
    st.lists(
        st.sampled_from([None, 0, 24, PORTION_BYTES // 3, PORTION_BYTES // 2, 3 * PORTION_BYTES]), max_size=30
    )
)
def test_portions_are_the_batch_cut_into_pieces(sizes: list[int | None]) -> None:
    records = [Record(place, None if size is None else bytes(size)) for place, size in enumerate(sizes)]
    made = list(portions(records))
    assert [record for portion in made for record in portion] == records
    for portion in made:
        assert portion
        assert sum(len(record.value or b"") for record in portion[:-1]) < PORTION_BYTES
