"""The three rules once more, slow and obvious, in plain Python: what the compiled engine is compared with.

It is written from the rules' text (docs/semantics.md), shares no code with `services/rules`, and prefers looking through whole lists again
to remembering cleverly. Only the shapes of `services/contracts` are the same.
"""

from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix, from_records, to_records
from tests.rules.reference.judging import judge

__all__ = ["Episode", "Fix", "from_records", "judge", "to_records"]
