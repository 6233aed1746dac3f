"""Runs of hits (catalogue section 2): the fixes that take part, seen by one subject after another, cut into runs, then joined into episodes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.contracts.registry import Config
from tests.rules.reference.episode import Episode
from tests.rules.reference.fixes import Fix
from tests.rules.reference.geometry import distance_m
from tests.rules.reference.parameters import Parameters, class_at, in_force

RANKS = ("info", "minor", "major", "critical")


@dataclass(frozen=True)
class Hit:
    """What a subject's rule says of a fix that hits it."""

    kind: str
    graver: bool = False
    value: int | None = None  # where the peak is the greatest of these, in the rule's integer unit
    why: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """A fix that takes part, as one subject sees it."""

    place: int  # among those that take part
    fix: Fix
    driver: int
    hit: Hit | None
    parameters: Parameters


@dataclass(frozen=True)
class RunRule:
    """A rule of this kind.

    Attributes:
        hits: (config, fix, driver) to the subjects that the fix hits; a subject is any value that sorts.
        severity: (config, first hit, last hit, whether any was graver) to its name.
        limit: (parameters, kind) to the limit, where the peak is a value.
        reach: parameter in metres beyond which a hit begins another run.
        at: (fixes of the vehicle, fix) to the fix whose place is told.
    """

    name: str
    takes_part: Callable[[Fix], bool]
    hits: Callable[[Config, Fix, int], Mapping[Any, Hit]]
    severity: Callable[[Config, Seen, Seen, bool], str]
    limit: Callable[[Parameters, str], int] | None = None
    reach: str | None = None
    at: Callable[[Sequence[Fix], Fix], Fix] = lambda _fixes, fix: fix

    def __call__(self, config: Config, fixes: list[tuple[Fix, int]]) -> list[Episode]:
        """Episodes of one vehicle; `fixes` are judged ones in order, each with the driver then on the vehicle."""
        parts = [(fix, driver) for fix, driver in fixes if self.takes_part(fix)]
        enabled = [in_force(config, self.name, fix.time_ms)["enabled"] for fix, _ in parts]
        all_hits = [
            self.hits(config, fix, driver) if on else {}
            for (fix, driver), on in zip(parts, enabled, strict=True)
        ]
        subjects = sorted({subject for hits in all_hits for subject in hits}, key=str)
        result: list[Episode] = []
        for subject in subjects:
            seen = [
                Seen(place, fix, driver, hits.get(subject), in_force(config, self.name, fix.time_ms))
                for place, ((fix, driver), hits) in enumerate(zip(parts, all_hits, strict=True))
            ]
            for episode in self._episodes(self._runs(seen)):
                result.append(self._described(config, episode, seen, [fix for fix, _ in fixes]))  # noqa: PERF401
        return result

    def _runs(self, seen: list[Seen]) -> list[list[Seen]]:
        """Consecutive hits, no two neighbours more than max_gap_s apart, none out of reach of the first."""
        runs: list[list[Seen]] = []
        for row in seen:
            if row.hit is None:
                continue
            last = runs[-1][-1] if runs else None
            if last is not None and last.place == row.place - 1 and self._carries_on(runs[-1], row):
                runs[-1].append(row)
            else:
                runs.append([row])
        return runs

    def _carries_on(self, run: list[Seen], row: Seen) -> bool:
        gap_ms = row.fix.time_ms - run[-1].fix.time_ms
        if gap_ms > of_kind(row.parameters, "max_gap_s", _kind(run)) * 1000:
            return False
        first, fix = run[0].fix, row.fix
        if self.reach is None:
            return True
        reach_m: float = row.parameters[self.reach]
        return distance_m((first.lon, first.lat), (fix.lon, fix.lat)) <= reach_m

    def _episodes(self, runs: list[list[Seen]]) -> list[list[Seen]]:
        episodes: list[list[Seen]] = []
        for run in runs:
            first = run[0]
            if episodes:
                merge_ms = of_kind(first.parameters, "merge_s", _kind(episodes[-1])) * 1000
                if first.fix.time_ms - episodes[-1][-1].fix.time_ms <= merge_ms:
                    episodes[-1] += run
                    continue
            if self._opens(run):
                episodes.append(list(run))
        return episodes

    @staticmethod
    def _opens(run: list[Seen]) -> bool:
        return any(
            row.fix.time_ms - run[0].fix.time_ms >= of_kind(row.parameters, "hold_s", _kind(run)) * 1000
            and count >= of_kind(row.parameters, "min_fixes", _kind(run))
            for count, row in enumerate(run, start=1)
        )

    def _described(
        self, config: Config, episode: list[Seen], seen: list[Seen], fixes: Sequence[Fix]
    ) -> Episode:
        first, last, kind = episode[0], episode[-1], _kind(episode)
        closed = any(
            row.fix.time_ms - last.fix.time_ms > of_kind(row.parameters, "merge_s", kind) * 1000
            for row in seen[last.place + 1 :]
        )
        peak, at = first, self.at(fixes, first.fix)
        if self.limit is None:
            greatest, limit = (
                last.fix.time_ms - first.fix.time_ms,
                of_kind(last.parameters, "hold_s", kind) * 1000,
            )
        else:
            peak = max(episode, key=_value)
            greatest, limit, at = _value(peak), self.limit(last.parameters, kind), self.at(fixes, peak.fix)
        graver = any(row.hit is not None and row.hit.graver for row in episode)
        return Episode(
            rule=self.name,
            kind=kind,
            vehicle=first.fix.vehicle,
            driver=first.driver or None,
            began_ms=first.fix.time_ms,
            ended_ms=last.fix.time_ms if closed else None,
            last_ms=last.fix.time_ms,
            state="closed" if closed else "open",
            severity=self.severity(config, first, last, graver),
            confidence=1.0,
            at=(peak.fix.time_ms, at.lon_e7, at.lat_e7),
            limit=limit,
            peak=greatest,
            band=None,
            why={
                "fixes": len(episode),
                "duration_ms": last.fix.time_ms - first.fix.time_ms,
                **_hit(first).why,
            },
        )


def of_kind(parameters: Parameters, name: str, kind: str) -> Any:
    """A parameter that may differ by kind."""
    value = parameters[name]
    return value[kind] if isinstance(value, dict) else value


def higher(severity: str, steps: int) -> str:
    """So many steps higher, critical at most."""
    return RANKS[min(RANKS.index(severity) + steps, len(RANKS) - 1)]


def _hit(row: Seen) -> Hit:
    assert row.hit is not None
    return row.hit


def _kind(run: list[Seen]) -> str:
    return _hit(run[0]).kind


def _value(row: Seen) -> int:
    value = _hit(row).value
    assert value is not None
    return value


def long_ms(first: Seen, last: Seen) -> int:
    """How long an episode lasted."""
    return last.fix.time_ms - first.fix.time_ms


def class_at_began(config: Config, first: Seen) -> str:
    """The vehicle's class where an episode began."""
    return class_at(config, first.fix.vehicle, first.fix.time_ms).value
