"""Which attacks, in which order, under which load: the short plan of `make test`, the long one of `make faults`."""

import signal

from tests.faults.campaign import WORKERS, Campaign, Load

SHORT_LOAD = Load(vehicles=100, rounds=6000, every_s=30.0, rate=1200, least=56_000)
SHORT_AWAY_S = 8.0
SHORT_SETTINGS = {"snapshot_every_s": 1.0, "tick_every_s": 2.0, "deadline_s": 3.0}

TRANSACTIONAL_LOAD = Load(vehicles=40, rounds=6000, every_s=30.0, rate=1200, least=24_000)
TRANSACTIONAL_LONG_LOAD = Load(vehicles=100, rounds=9000, every_s=30.0, rate=1200, least=120_000)

LONG_LOAD = Load(vehicles=1500, rounds=3000, every_s=30.0, rate=3000, least=840_000)
LONG_AWAY_S = 60.0
LONG_SETTINGS = {"snapshot_every_s": 2.0, "tick_every_s": 5.0}
KILLS = 20


async def short(campaign: Campaign) -> None:
    """Four kills, and each server away once."""
    await campaign.kills(4, api_every=3)
    for server in ("kafka", "postgres"):
        await campaign.outage(server, SHORT_AWAY_S, crash=False)


async def transactional_short(campaign: Campaign) -> None:
    """Five kills while all reports come in transactions."""
    await campaign.kills(5, api_every=6)


async def transactional(campaign: Campaign) -> None:
    """Kills, a rebalance and a database that goes while all reports come in transactions. The broker stays: aiokafka's transactions do not outlive it."""
    await campaign.kills(KILLS, api_every=5)
    await campaign.company("ingest", 5.0, signal.SIGTERM)
    for kind in WORKERS:
        await campaign.fenced(kind)
    await campaign.outage("postgres", SHORT_AWAY_S, crash=True)


async def long(campaign: Campaign) -> None:
    """Kills, company, zombies, and each server away for a minute, under load all the while."""
    await campaign.kills(KILLS // 2, api_every=5)
    for kind in ("rules", "ingest"):
        await campaign.company(kind, 5.0, signal.SIGTERM)
        await campaign.company(kind, 2.0, signal.SIGKILL)
    for kind in WORKERS:
        await campaign.fenced(kind)
    await campaign.outage("kafka", LONG_AWAY_S, crash=False)
    await campaign.outage("postgres", LONG_AWAY_S, crash=True)
    await campaign.kills(KILLS - KILLS // 2, api_every=5)


async def zombie(campaign: Campaign) -> None:
    """One worker of each kind that writes history or alerts wakes with a batch in its hands; with the fence taken away this must be noticed."""
    for kind in ("recorder", "rules"):
        await campaign.fenced(kind)
