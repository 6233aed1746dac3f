"""Judged episodes against true ones: what was found, what was missed and what was false, each with its reason.

Two episodes match when they are of one vehicle, rule and (for fatigue) kind and overlap in time. A miss or a false one is put into the
first category whose condition holds; what fits none is listed, because that is where a rule or the simulator is wrong.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Json = dict[str, Any]
Span = tuple[float, float]

BURST_S, HOLD_S, MIN_FIXES = 30, 60, 3
DAY_S = 86_400
UNSEEN_S = 60
"""A spell is seen up to one interval (30 s) shorter at either end."""

SLACK_S = 90
"""Notes are widened by this when looked up: reports are up to half a minute away from what they report of."""


@dataclass(slots=True)
class Score:
    """One rule's result; `rule` is followed by the kind for fatigue. `misses` and `false` count by reason."""

    rule: str
    true: int = 0
    judged: int = 0
    found: int = 0
    right: int = 0
    misses: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    unexplained: list[Json] = field(default_factory=list)
    late_s: list[float] = field(
        default_factory=list
    )  # judged began after the true one, pairs that overlap, closed or not

    @property
    def recall(self) -> float:
        """Share of true episodes that were found; 1 where there are none."""
        return self.found / self.true if self.true else 1.0

    @property
    def provable(self) -> float:
        """Recall among those that reports can prove: what was missed for a known reason left out."""
        left = self.true - self.misses.total() + self.misses["unexplained"]
        return self.found / left if left else 1.0

    @property
    def precision(self) -> float:
        """Share of judged episodes that are true; 1 where there are none."""
        return self.right / self.judged if self.judged else 1.0


class Conditions:
    """The notes beside a feed, asked by vehicle and time."""

    def __init__(self, notes: Sequence[Json]) -> None:
        """`notes` as in notes.jsonl."""
        self._spans: dict[tuple[str, str], list[Span]] = defaultdict(list)
        for note in notes:
            self._spans[note["vehicle"], note["note"]].append(
                (_seconds(note["from"], 0), _seconds(note["to"], 1))
            )

    def holds(self, note: str, episode: Json) -> bool:
        """Whether a note of this vehicle overlaps what the episode is judged from, widened by SLACK_S."""
        since, to = _basis(episode)
        found = self._spans.get((episode["vehicle"], note), [])
        return any(a <= to + SLACK_S and b >= since - SLACK_S for a, b in found)


def _seconds(text: str | None, end: int) -> float:
    return float("inf") * (1 if end else -1) if text is None else datetime.fromisoformat(text).timestamp()


def span(episode: Json) -> Span:
    """Began and ended in Unix seconds; what is open ends never."""
    return _seconds(episode["began"], 0), _seconds(episode["ended"], 1)


def _basis(episode: Json) -> Span:
    """The time an episode is judged from: its own; for fatigue from the spell's start, or from a window's length before."""
    since, to = span(episode)
    if episode["rule"] == "fatigue":
        window_s = {"rolling_24h": DAY_S, "rolling_7d": 7 * DAY_S}.get(episode["kind"])
        since = since - window_s if window_s else _seconds(episode["why"]["spell_began"], 0)
    return since, to


def compare(true: Sequence[Json], judged: Sequence[Json], notes: Sequence[Json]) -> list[Score]:
    """A score for each rule, and for each kind of fatigue."""
    conditions = Conditions(notes)
    names = sorted({_name(episode) for episode in (*true, *judged)})
    return [_score(name, _of(name, true), _of(name, judged), conditions) for name in names]


def _name(episode: Json) -> str:
    return f"fatigue {episode['kind']}" if episode["rule"] == "fatigue" else str(episode["rule"])


def _of(name: str, episodes: Sequence[Json]) -> list[Json]:
    return [episode for episode in episodes if _name(episode) == name]


def _score(name: str, true: list[Json], judged: list[Json], conditions: Conditions) -> Score:
    score = Score(name, len(true), len(judged))
    rule = name.split(maxsplit=1)[0]
    score.late_s = sorted(_late(true, judged))
    for episode in _without_partner(true, judged):
        _tell(score, score.misses, episode, _MISSES[rule](episode, conditions), "missed")
    for episode in _without_partner(judged, true):
        _tell(score, score.false, episode, _FALSE[rule](episode, conditions), "false")
    score.found = score.true - score.misses.total()
    score.right = score.judged - score.false.total()
    return score


def _tell(score: Score, counter: Counter[str], episode: Json, reason: str | None, what: str) -> None:
    counter[reason or "unexplained"] += 1
    if reason is None:
        score.unexplained.append({"what": what, **episode})


def _without_partner(these: list[Json], those: list[Json]) -> list[Json]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for episode in those:
        spans[episode["vehicle"]].append(span(episode))
    for found in spans.values():
        found.sort()
    return [episode for episode in these if not _overlaps(span(episode), spans[episode["vehicle"]])]


def _late(true: list[Json], judged: list[Json]) -> Iterator[float]:
    """For each true episode that was found: judged began less true began, of the first that overlaps."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for episode in judged:
        spans[episode["vehicle"]].append(span(episode))
    for episode in true:
        since, to = span(episode)
        began = min((a for a, b in spans[episode["vehicle"]] if a <= to and b >= since), default=None)
        if began is not None:
            yield began - since


def _overlaps(wanted: Span, spans: list[Span]) -> bool:
    stop = bisect_left(spans, (wanted[1] + 0.001, 0.0))
    return any(to >= wanted[0] for _, to in spans[:stop])


def _missed_speeding(episode: Json, conditions: Conditions) -> str | None:
    if conditions.holds("terminal_off", episode):
        return "terminal switched off"
    if episode["why"]["proven_s"] <= BURST_S:
        return "its reports span 30 s or less"
    return None


def _missed_fatigue(episode: Json, conditions: Conditions) -> str | None:
    return _fatigue(episode, conditions)


def _missed_deviation(episode: Json, conditions: Conditions) -> str | None:
    if conditions.holds("terminal_off", episode):
        return "terminal switched off"
    if episode["why"]["reported_s"] < HOLD_S or episode["why"]["reports"] < MIN_FIXES:
        return "reports prove less than 60 s and 3 fixes"
    return None


def _false_speeding(episode: Json, conditions: Conditions) -> str | None:
    if conditions.holds("short_burst", episode):
        return "bursts of 30 s or less with a dip between reports"
    return None


def _fatigue(episode: Json, conditions: Conditions) -> str | None:
    if conditions.holds("other_card", episode):
        return "another driver's card was in"
    if conditions.holds("no_card_reader", episode):
        return "no card reader: drivers cannot be told apart"
    if conditions.holds("terminal_off", episode):
        return "terminal switched off: driving in the silence unknown"
    unseen_s = UNSEEN_S * episode["why"].get("spells", 1)
    if 0 <= episode["peak"] - episode["limit"] <= unseen_s:
        return "above the limit by no more than reports leave unseen of each spell"
    return None


def _false_deviation(_episode: Json, _conditions: Conditions) -> str | None:
    return None


Reason = Callable[[Json, Conditions], str | None]
_MISSES: dict[str, Reason] = {
    "speeding": _missed_speeding,
    "fatigue": _missed_fatigue,
    "route_deviation": _missed_deviation,
}
_FALSE: dict[str, Reason] = {
    "speeding": _false_speeding,
    "fatigue": _fatigue,
    "route_deviation": _false_deviation,
}
