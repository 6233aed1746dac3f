"""`python -m tests.faults [--short | --unfenced | --transactional] [--seed N]`: a fault campaign on a private Kafka and PostgreSQL of its own.

Exit code 1 with every difference. `--unfenced` takes the fence away from the workers that freeze, and so must fail.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from services.cli.benchmarks.base import _silent
from services.runtime.clock import now_ms
from services.runtime.servers import LocalServers
from services.runtime.settings import Settings
from services.store.migrate import migrate
from tests.faults import plans
from tests.faults.campaign import Campaign
from tests.faults.frozen import UNFENCED


def main() -> int:
    """Run one; the logs stay in the folder that is named when it fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seed", type=int, default=now_ms() % 1_000_000)
    parser.add_argument("--short", action="store_true", help="the plan of `make test`")
    parser.add_argument("--unfenced", action="store_true", help="zombies alone, and no fence: must fail")
    parser.add_argument(
        "--transactional", action="store_true", help="all reports in transactions, some aborted"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="roadwatch-faults-"))
    folder.chmod(0o755)
    attacks, load, changed = (plans.long, plans.LONG_LOAD, plans.LONG_SETTINGS)
    if options.short or options.unfenced:
        attacks = plans.short if options.short else plans.zombie
        load, changed = plans.SHORT_LOAD, plans.SHORT_SETTINGS
    if options.transactional:
        attacks = plans.transactional_short if options.short else plans.transactional
        load = plans.TRANSACTIONAL_LOAD if options.short else plans.TRANSACTIONAL_LONG_LOAD
        changed = plans.SHORT_SETTINGS
    servers = LocalServers(folder / "servers", fast=True)
    print(f"seed {options.seed}; logs in {folder}", flush=True)
    try:
        addresses = servers.start()
        migrate(addresses.database_url, wait_s=30, say=_silent)
        settings = Settings(
            kafka_bootstrap=addresses.kafka_bootstrap, database_url=addresses.database_url, topic_prefix="f.", token="f" * 32,
            oldest_days=0,
        ).model_copy(update=changed)  # fmt: skip
        campaign = Campaign(settings, servers, folder / "run", load, options.seed, _say,
                            env={UNFENCED: "1"} if options.unfenced else {}, transactional=options.transactional)  # fmt: skip
        asyncio.run(campaign.run(attacks))
    except Exception as failure:  # noqa: BLE001 - whatever it was, it is shown
        errors = failure.exceptions if isinstance(failure, ExceptionGroup) else [failure]
        print(
            *(f"FAILED, seed {options.seed}: {type(e).__name__}: {e}" for e in errors),
            sep="\n",
            file=sys.stderr,
        )
        return 1
    finally:
        servers.remove()
    print(f"exact: seed {options.seed}", flush=True)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
