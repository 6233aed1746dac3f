"""`python -m services.cli.warm`: compile the deciding code into its cache, so that the first command and the first service find it there."""

import multiprocessing

import numpy as np

from services.ingest.lookup import VehicleLookup
from services.ingest.pipeline import process
from services.ingest.tables import DriverTable
from services.rules.warm import example, warm
from services.runtime.settings import WORLD

REPORT = b'{"terminal":"1","time":"2026-11-23T08:00:00+08:00","lon":106.05,"lat":38.0,"speed_kmh":60.5,"heading":90,"driver":"640100-0001"}'


def read_one() -> None:
    """A plain report and one that is not, through what ingest decides."""
    lookup = VehicleLookup(example())
    process([REPORT, b"not json"], None, np.arange(2), lookup, DriverTable(), WORLD)


def main() -> None:
    """Both halves at a time, each in a process: a compiler works alone in one."""
    reading = multiprocessing.Process(target=read_one)
    reading.start()
    warm()
    reading.join()


if __name__ == "__main__":
    main()
