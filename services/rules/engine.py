"""Judging: the state of one partition's vehicles, stepped over fixes; the same object serves live batches, files and re-judging.

No I/O, no clock: what comes out is a function of the config, the state and the fixes that went in. Batches may be cut anywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from services.contracts.fix import Fixes
from services.contracts.registry import Config, Vehicle
from services.rules import fleet, limits
from services.rules.assignments import assignment_names
from services.rules.matching import MATCHING
from services.rules.plausibility import PLAUSIBILITY
from services.rules.records import CONTEXT, as_records, grown_pages, new_pages
from services.rules.registry import RULES, packed, periods
from services.rules.rule import Names, Rule
from services.rules.transitions import Transition, describe

FINDINGS_AT_ONCE = 1024
FIRST_SLOTS = 64
FIRST_PAGES = 64


@dataclass(slots=True)
class RuleState:
    """One rule at work: its rows by slot, its pages, its parameters and tables under the present config."""

    rule: Rule
    rows: np.ndarray
    pages: np.ndarray
    params: np.ndarray
    tables: Any
    findings: np.ndarray
    count: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int64))

    def grow(self, slots: int) -> None:
        """Room for `slots` vehicles."""
        old = len(self.rows)
        rows = np.zeros(slots, self.rule.state_dtype)
        rows[:old] = self.rows
        self.rule.start(as_records(rows[old:]))
        self.rows = rows

    def taken(self) -> np.ndarray:
        """The findings made since the last call, copied."""
        made = self.findings[: self.count[0]].copy()
        self.count[0] = 0
        return made


def rule_state(rule: Rule, slots: int) -> RuleState:
    """A rule at its beginning."""
    rows = np.zeros(slots, rule.state_dtype)
    rule.start(as_records(rows))
    findings = np.zeros(max(FINDINGS_AT_ONCE, 2 * rule.findings_per_step), rule.finding_dtype)
    return RuleState(rule, rows, new_pages(rule.page_dtype, FIRST_PAGES), np.zeros(0), None, findings)


class Engine:
    """Vehicles' states under one config.

    Args:
        config: what is in force before the first fix.
        driver_code: the code behind a driver's surrogate, None where unknown; asked only when something is described.
        rules: what is judged, speeding first: its limits are part of what all others read.
    """

    def __init__(
        self, config: Config, driver_code: Callable[[int], str | None], rules: Sequence[Rule] = RULES
    ) -> None:
        """Start with no vehicle."""
        self.driver_code = driver_code
        self.vehicles: list[int] = []  # slot -> vehicle id
        self.common = np.zeros(FIRST_SLOTS, fleet.COMMON)
        self.match = np.zeros(FIRST_SLOTS, limits.MATCH)
        limits.start_match(as_records(self.match))
        self.common["last_ms"] = fleet.NEVER_MS
        self.states = [rule_state(rule, FIRST_SLOTS) for rule in rules]
        self.slot_of = np.full(1, -1, np.int32)
        self.context = np.zeros(0, CONTEXT)
        self.outcome = np.zeros(4, np.int64)
        self.road_keys = np.zeros(0, np.int64)
        self.block = np.zeros((3, limits.BLOCK), np.int64)
        self.configure(config)

    def configure(self, config: Config) -> None:
        """From here on judge by another version; what the vehicles did so far stays."""
        self.config = config
        self.registrations: dict[int, list[Vehicle]] = {}
        for vehicle in config.vehicles:
            self.registrations.setdefault(vehicle.id, []).append(vehicle)
        for rows in self.registrations.values():
            rows.sort(key=lambda row: row.valid_from_ms if row.valid_from_ms is not None else fleet.NEVER_MS)
        self.fleet = fleet.fleet_tables(config)
        top = max(len(self.fleet.first) - 1, len(self.slot_of))
        self.slot_of = np.concatenate([self.slot_of, np.full(top - len(self.slot_of), -1, np.int32)])
        self.boundaries, overrides = periods(config.rules)
        self.plausibility = packed(PLAUSIBILITY, overrides)
        self.map = limits.build_map(config, packed(MATCHING, overrides))
        keys = limits.road_keys(config)
        self._move_roads(keys)
        for state in self.states:
            state.params = packed(state.rule, overrides)
            state.tables = state.rule.tables(config, self.map)
        self.names = Names(self.driver_code, limits.road_names(config), assignment_names(config))

    def _move_roads(self, keys: np.ndarray) -> None:
        """Number the roads that the states hold as in a new map."""
        self.match["road"] = limits.moved(self.match["road"], self.road_keys, keys)
        for state in self.states:
            for name in state.rule.roads:
                state.rows[name] = limits.moved(state.rows[name], self.road_keys, keys)
        self.road_keys = keys

    def judge(self, fixes: Fixes) -> list[Transition]:
        """Step every rule over fixes in their order; `fixes` is taken over and changed.

        Outcomes (judged, duplicate, late, unknown vehicle) are added to `outcome`.
        """
        self._admit(fixes)
        if len(self.context) < len(fixes):
            self.context = np.zeros(len(fixes), CONTEXT)
        records, context = as_records(fixes), as_records(self.context)
        passed = fleet.gate(
            as_records(self.common), self.slot_of, self.fleet, self.boundaries, as_records(self.plausibility),
            records, context, self.outcome,
        )  # fmt: skip
        records, context = records[:passed], context[:passed]
        if not passed:
            return []
        speeding = as_records(self.states[0].params)
        limits.locate(as_records(self.match), self.map, records, context, speeding, self.block)
        made = [(order, self._run(state, records, context)) for order, state in enumerate(self.states)]
        return self._described(made)

    def tick(self, now_ms: int) -> list[Transition]:
        """Close for the screen what is proven ended at `now_ms`, the partition's event time."""
        return self._swept(now_ms, final=False)

    def open_episodes(self) -> list[Transition]:
        """Every episode still open, its present content; changes nothing."""
        return self._swept(0, final=True)

    def _swept(self, now_ms: int, *, final: bool) -> list[Transition]:
        made = []
        period = int(np.searchsorted(self.boundaries, now_ms, side="right"))
        for order, state in enumerate(self.states):
            params = as_records(state.params[period : period + 1])
            rows = as_records(state.rows[: len(self.vehicles)])
            found: list[np.ndarray] = []
            start = 0
            while start < len(rows):
                start = state.rule.sweep(
                    rows, as_records(state.pages), state.tables, params, now_ms, final,
                    as_records(state.findings), state.count, start,
                )  # fmt: skip
                found.append(state.taken())
            made.append((order, found))
        for _, found in made:
            for rows in found:
                self.common["changed"][rows["vehicle"]] |= 0 if final else 1
        return self._described(made)

    def _run(self, state: RuleState, records: np.ndarray, context: np.ndarray) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        start = 0
        while start < len(records):
            start = state.rule.run(
                as_records(state.rows), as_records(state.pages), state.tables, records, context,
                as_records(state.params), as_records(state.findings), state.count, start,
            )  # fmt: skip
            if state.count[0]:
                found.append(state.taken())
            if start < len(records) and state.pages["free"][0] < state.rule.pages_per_step:
                state.pages = grown_pages(state.pages)
        return found

    def _admit(self, fixes: Fixes) -> None:
        """Give every vehicle of the registry that is new here a slot."""
        records, start = as_records(fixes), 0
        while (start := fleet.first_without_slot(self.slot_of, records, start)) < len(records):
            vehicle = int(fixes["vehicle"][start])
            if vehicle in self.registrations:
                self.slot(vehicle)
            start += 1

    def slot(self, vehicle: int) -> int:
        """The slot of a vehicle, made where there is none."""
        if self.slot_of[vehicle] < 0:
            if len(self.vehicles) == len(self.common):
                self._grow(2 * len(self.common))
            self.slot_of[vehicle] = len(self.vehicles)
            self.vehicles.append(vehicle)
        return int(self.slot_of[vehicle])

    def _grow(self, slots: int) -> None:
        old = len(self.common)
        common, match = np.zeros(slots, fleet.COMMON), np.zeros(slots, limits.MATCH)
        common[:old], match[:old] = self.common, self.match
        common["last_ms"][old:] = fleet.NEVER_MS
        limits.start_match(as_records(match[old:]))
        self.common, self.match = common, match
        for state in self.states:
            state.grow(slots)

    def _described(self, made: list[tuple[int, list[np.ndarray]]]) -> list[Transition]:
        ranked = [
            (int(row["index"]), order, place, row)
            for order, arrays in made
            for place, row in enumerate(row for array in arrays for row in array)
        ]
        ranked.sort(key=lambda item: item[:3])
        return [self._transition(self.states[order].rule, row) for _, order, _, row in ranked]

    def _transition(self, rule: Rule, row: np.void) -> Transition:
        vehicle = self.vehicles[int(row["vehicle"])]
        rows = self.registrations.get(vehicle)
        registered = (
            fleet.unregistered(vehicle) if rows is None else fleet.registration(rows, int(row["began_ms"]))
        )
        return describe(rule, row, registered, self.names, self.config.version)
