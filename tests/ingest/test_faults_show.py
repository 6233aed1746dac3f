"""A fault of ours is not taken for a bad report or gone round in silence, and a fast way that is not taken is told."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services import compiled
from services.contracts.registry import Config
from services.ingest import pipeline, worker
from services.ingest.lookup import VehicleLookup
from services.ingest.pipeline import Processed, process
from services.ingest.protocols import json_report
from services.ingest.tables import DriverTable
from services.runtime import fallback
from services.runtime.settings import WORLD

PLAIN = b'{"v":1,"terminal":"13900000001","time":"2026-11-26T00:00:00Z","lon":106.2,"lat":38.4}'


def decided(values: list[bytes | None]) -> Processed:
    offsets = np.arange(len(values), dtype=np.int64)
    return process(values, None, offsets, VehicleLookup(Config()), DriverTable(), WORLD)


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fallback has been told yet."""
    monkeypatch.setattr(fallback, "_said", set())


def test_a_tombstone_is_empty_and_spoils_nothing_beside_it() -> None:
    done = decided([PLAIN, None, b"{}"])
    assert done.rejected == [(0, "UNKNOWN_VEHICLE"), (1, "EMPTY"), (2, "MISSING")]


def test_a_fault_of_the_short_way_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was once caught with the tombstones, and the batch decided a second time."""
    taken: list[Any] = []

    def faulty(*arguments: Any) -> None:
        taken.append(arguments)
        raise TypeError("a mistake of ours")

    monkeypatch.setattr(pipeline, "runs_compiled", lambda: True)
    monkeypatch.setattr(pipeline, "take", faulty)
    with pytest.raises(TypeError, match="a mistake of ours"):
        decided([PLAIN])
    assert len(taken) == 1


def test_a_fault_of_the_decoder_is_no_bad_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(_value: bytes) -> None:
        raise TypeError("a mistake of ours")

    monkeypatch.setattr(json_report, "_DECODE", faulty)
    with pytest.raises(TypeError, match="a mistake of ours"):
        json_report.decode([PLAIN])


def gauge(what: str) -> float | None:
    return REGISTRY.get_sample_value("roadwatch_fallback", {"what": what})


def test_a_feed_of_which_nothing_is_plain_is_told_once() -> None:
    many = decided([b'{"v":1.0,' + PLAIN[7:]] * worker.ENOUGH)
    before = REGISTRY.get_sample_value("roadwatch_ingest_exact_total") or 0
    with capture_logs() as logs:
        worker._count(many)
        worker._count(many)
    assert [(line["event"], line["what"]) for line in logs] == [("fallback", "plain_reports")]
    assert gauge("plain_reports") == 1
    assert REGISTRY.get_sample_value("roadwatch_ingest_exact_total") == before + 2 * worker.ENOUGH


def test_code_that_is_not_compiled_or_not_kept_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compiled, "_not_kept", [])
    monkeypatch.setattr(compiled, "runs_compiled", lambda: True)
    assert compiled.slow_because() is None
    blocked = tmp_path / "a file"
    blocked.touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    assert Path(compiled._folder.__wrapped__("ingest")).is_dir()
    assert "ROADWATCH_CACHE" in str(compiled.slow_because())
    monkeypatch.setattr(compiled, "runs_compiled", lambda: False)
    assert "NUMBA_DISABLE_JIT" in str(compiled.slow_because())
