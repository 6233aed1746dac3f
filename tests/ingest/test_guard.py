"""Too large a share kept out is told, and stops ingest where that is wished: nothing held back is lost, a person or an import lets it go on."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.benchmarks.system import Processes
from services.contracts.topics import RAW
from services.ingest.guard import Window, is_over
from services.runtime.clock import monotonic_s
from services.runtime.kafka import Producer, make_topics
from services.runtime.settings import Settings
from tests.conftest import RunRoadwatch
from tests.journeys.test_main_road import environment

KNOWN, NEW = "13900000021", "13900000099"
MANY = 2_000


def test_a_window_is_the_newest_seconds_of_the_brokers_time() -> None:
    window = Window(60)
    window.add(np.array([0, 500, 59_999]), [(0, "SYNTAX"), (2, "EMPTY")])
    assert (window.reports.total(), dict(window.reasons())) == (3, {"SYNTAX": 1, "EMPTY": 1})
    window.add(np.array([60_000]), [])
    assert (window.reports.total(), dict(window.reasons())) == (2, {"EMPTY": 1})
    window.add(
        np.array([1_000]), [(0, "SYNTAX")]
    )  # a partition that lags counts as far as it is in the window
    assert window.reports.total() == 3
    window.add(np.array([1 << 50]), [])  # a broker's clock that jumped
    assert (window.reports.total(), window.reasons().total()) == (1, 0)


@given(st.lists(st.lists(st.tuples(st.integers(-1, 200_000), st.booleans()), max_size=20), max_size=10))
def test_a_window_counts_as_one_that_keeps_everything(batches: list[list[tuple[int, bool]]]) -> None:
    window, kept = Window(60), list[tuple[int, bool]]()
    for batch in batches:
        times = np.array([at for at, _ in batch], np.int64)
        window.add(times, [(place, "EMPTY") for place, (_, out) in enumerate(batch) if out])
        kept += [(at // 1000, out) for at, out in batch]
        newest = max((second for second, _ in kept), default=0)
        kept = [(second, out) for second, out in kept if second > newest - 60]
    assert window.reports.total() == len(kept)
    assert window.reasons().total() == sum(out for _, out in kept)


@pytest.mark.parametrize(
    ("reports", "kept_out", "share", "over"),
    [
        (999, 999, 0.2, None),
        (1000, 200, 0.2, False),
        (1000, 201, 0.2, True),
        (1000, 1000, 1.0, False),
        (1000, 1, 0.0, True),
    ],
)
def test_over_is_more_than_the_share_of_enough(
    reports: int, kept_out: int, share: float, over: bool | None
) -> None:
    assert is_over(reports, kept_out, share=share, least=1000) is over


@dataclass(frozen=True)
class System:
    """Ingest and recorder that run."""

    settings: Settings
    env: dict[str, str]
    processes: Processes
    conn: psycopg.Connection[tuple[Any, ...]]
    run: RunRoadwatch
    folder: Path

    def state(self) -> str:
        """How the guard stands."""
        row = self.conn.execute("SELECT state FROM ingest_guard").fetchone()
        assert row
        return str(row[0])

    def counted(self, code: str) -> int:
        """Reports counted with a reason."""
        row = self.conn.execute(
            "SELECT sum((counts->>%s)::int) FROM progress WHERE consumer = 'ingest'", (code,)
        ).fetchone()
        return int(row[0] or 0) if row else 0

    def taken(self) -> int:
        """Reports whose progress is committed."""
        row = self.conn.execute("SELECT sum(next_offset) FROM progress WHERE consumer = 'ingest'").fetchone()
        return int(row[0] or 0) if row else 0

    def fixes(self) -> int:
        """Rows of history."""
        row = self.conn.execute("SELECT count(*) FROM fix").fetchone()
        return int(row[0]) if row else 0

    def ready(self) -> bool:
        """What ingest says of itself."""
        return bool(self.said().get("ready"))

    def told_by(self) -> object:
        """The process that says so; None while none has."""
        return self.said().get("pid")

    def said(self) -> dict[str, Any]:
        """Its status file; empty while there is none."""
        file = self.folder / "run" / "ingest.json"
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return found

    def send(self, terminal: str, count: int = MANY) -> None:
        """Put reports of a terminal into the log."""
        asyncio.run(self._send(terminal, count))

    async def _send(self, terminal: str, count: int) -> None:
        fields = {"terminal": terminal, "lon": 106.2, "lat": 38.4, "speed_kmh": 50}
        reports = [
            json.dumps(
                fields | {"time": f"2026-11-23T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}Z"}
            ).encode()
            for n in range(count)
        ]
        async with Producer(self.settings, "test") as producer:
            await producer.send_many(RAW, [(b"%d" % (n % 7), report) for n, report in enumerate(reports)])

    def imported(self, *terminals: str) -> None:
        """Import a registry of these terminals."""
        rows = [
            f"宁A{n:05d},yellow,coach,{terminal},测试客运公司,640100" for n, terminal in enumerate(terminals)
        ]
        file = self.folder / "vehicles.csv"
        file.write_text("\n".join(["plate,plate_color,class,terminal,operator,division", *rows, ""]), "utf-8")
        done = self.run("import", "vehicles", file, env=self.env, timeout_s=120)
        assert done.returncode == 0, done.stderr


def until(ask: Callable[[], object], value: object, within_s: float = 60) -> None:
    end_s = monotonic_s() + within_s
    while (found := ask()) != value and monotonic_s() < end_s:
        time.sleep(0.1)
    assert found == value


@contextmanager
def started(settings: Settings, run: RunRoadwatch, folder: Path, **variables: str) -> Iterator[System]:
    env = environment(settings) | {"ROADWATCH_STALL_S": "3"} | variables
    asyncio.run(make_topics(settings))
    with (
        Processes(env, folder / "run") as processes,
        psycopg.connect(settings.database_url, autocommit=True) as conn,
    ):
        system = System(settings, env, processes, conn, run, folder)
        system.imported(KNOWN)
        processes.start("ingest", "recorder", "rules", wait=False)
        processes.wait_ready("ingest", "recorder", within_s=200)
        yield system


@pytest.fixture
def stopping(settings: Settings, run_roadwatch: RunRoadwatch, tmp_path: Path) -> Iterator[System]:
    """A system whose guard stops ingest."""
    with started(settings, run_roadwatch, tmp_path, ROADWATCH_GUARD_STOP="true") as system:
        yield system


def test_a_bad_feed_stops_ingest_until_a_person_lets_it_go_on(stopping: System) -> None:
    stopping.send(NEW)
    until(stopping.state, "held")
    until(stopping.ready, False)
    kept_out, taken = stopping.counted("UNKNOWN_VEHICLE"), stopping.taken()
    assert kept_out == taken < 1_000
    time.sleep(5)  # longer than the watchdog's patience
    assert stopping.processes.running["ingest"].poll() is None
    assert (stopping.taken(), stopping.state()) == (taken, "held")

    told = stopping.run("status", "--data", stopping.folder, env=stopping.env)
    assert "ingest is held" in told.stdout
    assert "UNKNOWN_VEHICLE" in told.stdout

    assert stopping.run("admin", "ingest", "resume", env=stopping.env).returncode == 0
    until(stopping.taken, MANY)
    until(stopping.ready, True)
    assert (stopping.counted("UNKNOWN_VEHICLE"), stopping.state()) == (MANY, "over")
    rows = stopping.conn.execute(
        "SELECT actor_name, object FROM audit WHERE action = 'ingest.resume'"
    ).fetchall()
    assert rows == [("roadwatch admin", "ingest")]
    again = stopping.run("admin", "ingest", "resume", env=stopping.env)
    assert again.returncode == 3
    assert "not held" in again.stderr


def test_a_restart_does_not_forget_it_and_an_import_lets_it_go_on(stopping: System) -> None:
    stopping.send(NEW)
    until(stopping.state, "held")
    until(stopping.ready, False)
    ingest = stopping.processes.running.pop("ingest")
    ingest.kill()
    ingest.wait()
    stopping.processes.start("ingest", wait=False)
    until(stopping.told_by, stopping.processes.running["ingest"].pid)
    time.sleep(6)  # longer than it takes to begin
    assert (stopping.ready(), stopping.state()) == (False, "held")
    kept_out = stopping.counted("UNKNOWN_VEHICLE")
    assert kept_out < 1_000

    stopping.imported(KNOWN, NEW)
    until(stopping.taken, MANY)
    until(stopping.ready, True)
    until(stopping.fixes, MANY - kept_out)
    assert (stopping.state(), stopping.counted("UNKNOWN_VEHICLE")) == ("quiet", kept_out)


def test_without_the_wish_to_stop_it_is_told_until_it_is_over(
    settings: Settings, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    with started(settings, run_roadwatch, tmp_path, ROADWATCH_GUARD_WINDOW_S="2") as system:
        system.send(NEW)
        until(system.taken, MANY)
        assert (system.state(), system.ready()) == ("over", True)
        time.sleep(3)
        system.send(KNOWN)
        until(system.taken, 2 * MANY)
        until(system.state, "quiet")
        assert system.fixes() <= MANY
