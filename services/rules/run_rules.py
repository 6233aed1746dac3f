"""What a rule of runs is made of: its parameters, its severities, and the row of the registry that joins its own kernel with the machine (runs.py)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from services.contracts.registry import CLASSES, Config
from services.rules.parameters import milliseconds
from services.rules.records import as_records
from services.rules.rule import Described, Names, Parameter, Rule
from services.rules.runs import (
    BY_DURATION,
    BY_VALUE,
    FINDING,
    FINDINGS_PER_STEP,
    HIT,
    HITS_AT_ONCE,
    NEVER_MS,
    PAGE,
    PAGES_PER_STEP,
    STATE,
    advance,
    sweep_machines,
)


class Mark(Protocol):
    """A rule's own kernel: which fixes hit what."""

    def __call__(
        self, fixes: np.ndarray, context: np.ndarray, tables: Any, params: np.ndarray, hits: np.ndarray, count: np.ndarray, start: int
    ) -> int:  # fmt: skip
        """Call `hit` for each subject that a fix of `fixes[start:]` hits, in order; returns the first fix not looked at for want of room."""
        ...


@dataclass(frozen=True, slots=True)
class Grades:
    """How grave an episode is: by kind, and what raises it.

    Attributes:
        severity: of each kind, `INFO` to `CRITICAL` as a place in contracts.alert.SEVERITIES.
        hazmat: steps higher for vehicles that carry hazardous goods.
        long_s: an episode so long is `long_steps` higher.
        graver_steps: steps higher once any hit is graver.
    """

    severity: Sequence[int]
    hazmat: int = 0
    long_s: float | None = None
    long_steps: int = 1
    graver_steps: int = 1


HAZMAT = [name.value for name in CLASSES].index("hazmat")
CRITICAL = 3


def pack_run(
    row: np.void,
    values: Mapping[str, Any],
    kinds: Sequence[str],
    grades: Grades,
    *,
    limits: Sequence[int] | None = None,
) -> None:
    """Checked values of the run parameters into a row of RUN_PARAMS.

    Args:
        row: of RUN_PARAMS.
        values: with `hold_s`, `min_fixes`, `merge_s` and `max_gap_s`, each by kind.
        kinds: the rule's.
        grades: its severities.
        limits: what each kind's episodes are told as limit, in the rule's integer unit; else `hold_s` in ms, the peak being the duration.
    """
    for place, kind in enumerate(kinds):
        for name in ("hold", "merge", "max_gap"):
            row[f"{name}_ms"][place] = milliseconds(values[f"{name}_s"][kind])
        row["min_fixes"][place] = values["min_fixes"][kind]
        row["limit"][place] = row["hold_ms"][place] if limits is None else limits[place]
        for vehicle_class in range(len(CLASSES)):
            base = grades.severity[place] + (grades.hazmat if vehicle_class == HAZMAT else 0)
            for long in range(2):
                for graver in range(2):
                    steps = long * grades.long_steps + graver * grades.graver_steps
                    row["severity"][place, vehicle_class, long, graver] = min(base + steps, CRITICAL)
    row["long_ms"] = NEVER_MS if grades.long_s is None else milliseconds(grades.long_s)
    row["enabled"] = values["enabled"]
    row["peak"] = BY_DURATION if limits is None else BY_VALUE


ENABLED = Parameter("enabled", True, "boolean", "", 0, 1, "design", "whether the rule judges")


def run_parameters(kinds: Sequence[str], source: str, **defaults: Any) -> tuple[Parameter, ...]:
    """Whether the rule is enabled, and the four parameters of a run, each by kind: `hold_s`, `min_fixes`, `merge_s`, `max_gap_s`."""
    names = tuple(kinds)
    return (
        ENABLED,
        Parameter("hold_s", defaults["hold_s"], "by_kind", "s", 0, 86_400, source, "a run must last so long", names),
        Parameter("min_fixes", defaults["min_fixes"], "by_kind", "", 1, 1000, source, "and have so many fixes", names, whole=True),
        Parameter("merge_s", defaults["merge_s"], "by_kind", "s", 0, 604_800, source, "hits so near are one episode", names),
        Parameter("max_gap_s", defaults["max_gap_s"], "by_kind", "s", 1, 86_400, source, "neighbours farther apart break a run", names),
    )  # fmt: skip


def run_rule(
    *,
    name: str,
    parameters: Sequence[Parameter],
    params_dtype: np.dtype[np.void],
    pack: Callable[[Mapping[str, Any], np.void], None],
    mark: Mark,
    takes_part: int,
    describe: Callable[[np.void, Names], Described],
    build: Callable[[Config, Any], Any] = lambda _config, _map: (0,),
) -> Rule:
    """A rule of runs as a row of the registry.

    Args:
        name: the rule's.
        parameters: all of them.
        params_dtype: with a field `run` of RUN_PARAMS.
        pack: fills a row of it.
        mark: which fixes hit what.
        takes_part: USE_* of records.py that a fix must have; to the machine others do not exist.
        describe: a finding in words.
        build: makes of a config and its map what `mark` reads beside the context.
    """

    def run(
        state: np.ndarray, pages: np.ndarray, tables: Any, fixes: np.ndarray, context: np.ndarray, params: np.ndarray,
        findings: np.ndarray, count: np.ndarray, start: int,
    ) -> int:  # fmt: skip
        hits, marked = np.empty(HITS_AT_ONCE, HIT), np.zeros(1, np.int64)
        records = as_records(hits)
        stop = mark(fixes, context, tables, params, records, marked, start)
        return advance(
            state, pages, fixes, context, takes_part, records, int(marked[0]), as_records(params["run"]), findings, count, start, stop
        )  # fmt: skip

    def sweep(
        state: np.ndarray, pages: np.ndarray, tables: Any, params: np.ndarray, now_ms: int, final: bool,
        findings: np.ndarray, count: np.ndarray, start: int,
    ) -> int:  # fmt: skip
        del tables
        return sweep_machines(state, pages, as_records(params["run"]), now_ms, final, findings, count, start)

    return Rule(
        name=name, parameters=parameters, params_dtype=params_dtype, pack=pack, state_dtype=STATE, finding_dtype=FINDING,
        page_dtype=PAGE, pages_per_step=PAGES_PER_STEP, findings_per_step=FINDINGS_PER_STEP, start=_fresh, tables=build,
        run=run, sweep=sweep, describe=describe,
    )  # fmt: skip


def _fresh(rows: np.ndarray) -> None:
    rows["page"] = rows["room"] = 0
