"""What a rule is to the engine: one literal row of parts, each of them data or a plain function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from services.contracts.alert import Sentence
from services.contracts.registry import Config


class Kernel(Protocol):
    """How a rule is stepped over fixes."""

    def __call__(
        self, state: np.ndarray, pages: np.ndarray, tables: Any, fixes: np.ndarray, context: np.ndarray,
        params: np.ndarray, findings: np.ndarray, count: np.ndarray, start: int,
    ) -> int:  # fmt: skip
        """Step over `fixes[start:]`; returns the index of the first fix not stepped because findings or pages ran short."""
        ...


class Sweep(Protocol):
    """How a rule looks at every vehicle without a fix."""

    def __call__(
        self, state: np.ndarray, pages: np.ndarray, tables: Any, params: np.ndarray, now_ms: int, final: bool,
        findings: np.ndarray, count: np.ndarray, start: int,
    ) -> int:  # fmt: skip
        """Walk over `state[start:]`; returns the first slot not visited because findings ran short.

        With `final` false a tick: closes for the screen what `now_ms` proves ended, and updates what has changed untold for a
        minute, changing nothing but `shown` and what `emit` keeps.
        With `final` true: emits CURRENT for every episode that is open, its present content, and changes nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """What a finding's numbers stand for: lookups that describing needs and judging does not."""

    driver_code: Callable[[int], str | None]
    road_name: Callable[[int], str | None]
    assignment: Callable[[int], tuple[str, str]]  # subject -> (stable text of the assignment, route name)


@dataclass(frozen=True, slots=True)
class Described:
    """A finding in the words and units of the interface."""

    subject: str  # part of the alert's id: driver code of a ledger, the assignment's text, or ""
    id_kind: str  # kind as part of the alert's id; "" where the kind may change
    kind: str
    limit: float
    peak: float
    unit: str
    why: dict[str, Any]
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Shared:
    """Parameters of what the rules read before they judge, under a name in a rule set like a rule's."""

    name: str
    parameters: Sequence["Parameter"]
    params_dtype: np.dtype[np.void]
    pack: Callable[
        [Mapping[str, Any], np.void], None
    ]  # checked values of all parameters -> one row of params


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of `registry.RULES`."""

    name: str
    parameters: Sequence["Parameter"]
    params_dtype: np.dtype[np.void]
    pack: Callable[
        [Mapping[str, Any], np.void], None
    ]  # checked values of all parameters -> one row of params
    state_dtype: np.dtype[np.void]
    finding_dtype: np.dtype[np.void]  # begins with FINDING_BASE
    page_dtype: np.dtype[np.void]  # begins with PAGE_HEAD; a rule without pages has just the head
    pages_per_step: int  # free pages that one step may need
    findings_per_step: int
    start: Callable[[np.ndarray], None]  # sets fresh rows of state (an array of rows) to their beginning
    tables: Callable[
        [Config, Any], Any
    ]  # of a config and its limits.MapTables: what the kernels read beside the context
    run: Kernel
    sweep: Sweep
    describe: Callable[[np.void, Names], Described]
    roads: tuple[str, ...] = ()  # fields of the state that hold a road's place in the map, NO_ROAD none


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its default, the range that a rule set may choose from, unit and source.

    `shape` says what a value looks like: "number", "integer", "window" ("HH:MM-HH:MM"), "by_class" (object of numbers by vehicle class,
    partial allowed), "by_class_and_road" (object of objects, partial allowed), "by_kind" (object of numbers by kind of the rule, partial allowed; a
    number sets all kinds), "boolean", "classes" (list of vehicle classes), "severities" (object of severities or null by name, partial allowed).
    """

    name: str
    default: Any
    shape: str
    unit: str
    low: float
    high: float
    source: str
    text: str
    names: tuple[str, ...] = ()  # the keys of "by_kind" and "severities"
    whole: bool = False  # the numbers of "by_kind" are whole ones
