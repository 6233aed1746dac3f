"""A run as others use it: into files, with the truth beside the feed, or as a stream of reports to be sent at their time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.simulator.ledger import Heard, episodes, notes
from services.simulator.reports import Reporter, Writer
from services.simulator.scenario import write_scenario
from services.simulator.simulation import Settings, Silences, Simulation
from services.simulator.truth import Observer
from services.simulator.world import World
from services.simulator.wrong import spoil, spoilt_rows

POSITIONS, TRUTH, NOTES = "positions.jsonl", "truth.jsonl", "notes.jsonl"


@dataclass(frozen=True, slots=True)
class Batch:
    """The reports that arrive within one slice, in order: when (Unix seconds), key and value of each as for `gps.raw`."""

    upto_s: int
    sent_s: NDArray[np.int64]
    keys: list[bytes]
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Written:
    """What a run into files came to."""

    reports: int
    episodes: int


def feed(simulation: Simulation, from_s: int | None = None) -> Iterator[Batch]:
    """Every slice's reports, at the end those still on their way; what arrived before `from_s` is passed over (driven, not told)."""
    settings = simulation.settings
    writer = Writer(simulation.fleet)
    reporter = _reporter(simulation)
    for seconds, silences in simulation.slices():
        upto_s = seconds.from_s + seconds.speed_mps.shape[1]
        rows = reporter.reports(seconds, silences)
        if from_s is not None:
            rows = rows[rows["sent_s"] >= from_s]
            if upto_s <= from_s:
                continue
        yield _batch(writer, rows, settings, upto_s)
    if settings.to_s is not None:
        yield _batch(writer, reporter.rest(), settings, settings.to_s)


def write_files(
    settings: Settings, folder: Path, say: Callable[[int, int], None], world: World | None = None
) -> Written:
    """A run with an end into a folder: positions, the scenario's files, truth and notes.

    `say(reports, event time in Unix seconds)` is called after every slice. Raises OSError, and ValueError for a run without an end.
    """
    if settings.to_s is None:
        raise ValueError("a run into files needs an end")
    simulation = Simulation(settings, world)
    write_scenario(simulation, folder)
    writer, reporter, heard = Writer(simulation.fleet), _reporter(simulation), Heard()
    observer = Observer(simulation.world, np.array([v.assigned for v in simulation.fleet.vehicles], np.bool_))
    off: dict[tuple[int, int, int], None] = {}
    held: dict[tuple[int, int, int], None] = {}
    count = 0
    with (folder / POSITIONS).open("w", encoding="utf-8") as out:
        for seconds, silences in simulation.slices():
            observer.see(seconds)
            off |= dict.fromkeys(silences.off)
            held |= dict.fromkeys(silences.held)
            upto_s = seconds.from_s + seconds.speed_mps.shape[1]
            rows = reporter.reports(seconds, silences)
            if upto_s >= settings.to_s:
                rows = np.concatenate((rows, reporter.rest()))
            heard.add(rows)
            batch = _batch(writer, rows, settings, upto_s)
            out.writelines(line + "\n" for line in batch.lines)
            count += len(batch.lines)
            say(count, upto_s)
    rows = observer.finish()
    found = episodes(simulation, rows, heard)
    _write(folder / TRUTH, iter(found))
    _write(folder / NOTES, notes(simulation, rows, Silences(tuple(off), tuple(held))))
    return Written(count, len(found))


def _reporter(simulation: Simulation) -> Reporter:
    """A terminal asked to keep a rate keeps it when parked as well."""
    settings = simulation.settings
    return Reporter(
        simulation.world, simulation.fleet, settings.seed, parked_slow=settings.interval_s is None
    )


def _batch(writer: Writer, rows: NDArray[np.void], settings: Settings, upto_s: int) -> Batch:
    lines = list(writer.lines(rows))
    keys = [writer.keys[i] for i in rows["vehicle"].tolist()]
    sent_s = rows["sent_s"]
    if settings.wrong_share > 0:
        spoilt = spoilt_rows(settings.seed, rows, settings.wrong_share).tolist()
        for place in reversed(spoilt):
            lines.insert(place + 1, spoil(lines[place], int(rows["time_s"][place] + rows["vehicle"][place])))
            keys.insert(place + 1, keys[place])
        sent_s = np.insert(sent_s, [place + 1 for place in spoilt], sent_s[spoilt])
    return Batch(upto_s, sent_s, keys, lines)


def _write(path: Path, objects: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(thing, ensure_ascii=False) + "\n" for thing in objects)
