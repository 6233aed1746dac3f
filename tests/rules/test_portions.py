"""A backlog is judged a portion at a time: nothing lost, nothing twice, none larger than can be judged between two heartbeats."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.rules.worker import PORTION_BYTES
from services.runtime.kafka import Batch


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
    records = [
        Record(3 + 2 * place, None if size is None else bytes(size)) for place, size in enumerate(sizes)
    ]
    next_offset = 5 + 2 * len(records)
    made = list(Batch(0, 0, next_offset, records).portions(PORTION_BYTES))
    assert [record for portion in made for record in portion.records] == records
    assert [portion.first for portion in made] == [0, *(portion.next_offset for portion in made[:-1])]
    assert made[-1].next_offset == next_offset
    for portion in made:
        assert portion.records or not records
        assert sum(len(record.value or b"") for record in portion.records[:-1]) < PORTION_BYTES
        assert all(portion.first <= record.offset < portion.next_offset for record in portion.records)
