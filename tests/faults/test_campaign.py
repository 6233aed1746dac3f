"""A short fault campaign: four kills and both servers away for eight seconds, under load; the long one is `make faults`."""

import gc
from pathlib import Path

import pytest

from services.runtime.servers import LocalServers
from services.runtime.settings import Settings
from tests.faults import plans
from tests.faults.campaign import WORKERS, Campaign
from tests.faults.found import differences, unbounded

TAMPERED = {
    "alert: 1 other": "UPDATE alert SET version = version + 1 WHERE id = (SELECT min(id) FROM alert)",
    "event of partition": "UPDATE alert_event SET data = data || ' ' WHERE seq = 3",
    "event: seq": "UPDATE feed SET last = last + 1",
    "history of partition 0": "INSERT INTO fix SELECT * FROM fix WHERE source_partition = 0 AND raw_offset = 7",
    "history of partition 1": "DELETE FROM fix WHERE source_partition = 1 AND raw_offset = 7",
    "next offset of rules": "UPDATE progress SET next_offset = next_offset - 1 WHERE consumer = 'rules' AND partition = 2",
    "counts of ingest": "UPDATE progress SET counts = counts || '{\"accepted\": 1}' WHERE consumer = 'ingest' AND partition = 0",
}
"""What the comparison says of each; without this it might be one that finds nothing."""


@pytest.mark.timeout(600)  # for a machine with other work to do
async def test_killed_and_cut_off_it_comes_out_exact(
    settings: Settings, servers: LocalServers, tmp_path: Path
) -> None:
    quick = settings.model_copy(update=plans.SHORT_SETTINGS)
    campaign = Campaign(quick, servers, tmp_path / "run", plans.SHORT_LOAD, 20261126, print)
    wanted = await campaign.run(plans.short)
    conn = await unbounded(quick.database_url)
    for statement in TAMPERED.values():
        await conn.execute(statement)
    await conn.close()
    found = await differences(quick, wanted, WORKERS)
    gc.collect()  # what is collected while pytest parses something, Python 3.11 may take for an error (python/cpython#106905)
    for what in TAMPERED:
        assert any(line.startswith(what) for line in found), (what, found)
