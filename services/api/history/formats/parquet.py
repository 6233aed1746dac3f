"""GeoParquet 1.1: WKB points in CRS84, one row group for every few pages, so that memory does not grow with the period."""

import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from services.api.history.formats.base import Format, Head, Pages, Rows, flag_codes

GROUP_ROWS = 50_000
GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}},
}
"""Without `crs` the specification means OGC:CRS84, which is what is here."""
SCHEMA = pa.schema(
    [
        ("vehicle", pa.int32()),
        ("time", pa.timestamp("ms", tz="UTC")),
        ("geometry", pa.binary()),
        ("speed_kmh", pa.float32()),
        ("recorder_speed_kmh", pa.float32()),
        ("heading", pa.int16()),
        ("altitude_m", pa.int16()),
        ("odometer_km", pa.float64()),
        ("flags", pa.list_(pa.string())),
    ]
)
WKB_POINT = np.dtype([("order", "u1"), ("kind", "<u4"), ("lon", "<f8"), ("lat", "<f8")])


class Sink:
    """A file that keeps only what nobody has taken yet."""

    closed = False

    def __init__(self) -> None:
        """Empty."""
        self._parts: list[bytes] = []
        self._written = 0

    def write(self, data: bytes) -> int:
        """Take bytes."""
        part = bytes(data)
        self._parts.append(part)
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        """Bytes so far."""
        return self._written

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The writer does this; what is left can still be taken."""
        self.closed = True

    def take(self) -> bytes:
        """What has come since the last time."""
        data, self._parts = b"".join(self._parts), []
        return data


async def write(head: Head, pages: Pages) -> AsyncIterator[bytes]:
    """The file in pieces; a failure leaves it without its footer, which no reader opens."""
    said = {"geo": json.dumps(GEO), "roadwatch": json.dumps(_said(head), ensure_ascii=False)}
    sink = Sink()
    writer = pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"), SCHEMA.with_metadata(said), compression="zstd", version="2.6"
    )
    waiting: list[Any] = []
    async for rows in pages:
        waiting += rows
        if len(waiting) >= GROUP_ROWS:
            writer.write_table(table(head.vehicle, waiting))
            waiting = []
            yield sink.take()
    if waiting:
        writer.write_table(table(head.vehicle, waiting))
    writer.close()
    yield sink.take()


def _said(head: Head) -> dict[str, Any]:
    said: dict[str, Any] = {"vehicle": head.vehicle, "plate": head.plate, "period": head.period}
    return (
        said if head.simplified_m is None else said | {"simplified_m": head.simplified_m, "note": head.note}
    )


def table(vehicle: int, rows: Rows) -> pa.Table:
    """Rows as a table of SCHEMA."""
    points = np.empty(len(rows), WKB_POINT)
    points["order"], points["kind"] = 1, 1
    points["lon"], points["lat"] = [row["lon"] for row in rows], [row["lat"] for row in rows]
    raw = points.tobytes()
    size = WKB_POINT.itemsize
    columns = [
        [vehicle] * len(rows),
        [row["at"] for row in rows],
        [raw[place * size : (place + 1) * size] for place in range(len(rows))],
        *(
            [None if row[name] is None else row[name] / 10 for row in rows]
            for name in ("speed", "recorder_speed")
        ),
        *([row[name] for row in rows] for name in ("heading", "altitude_m")),
        [None if row["odometer_m"] is None else row["odometer_m"] / 1000 for row in rows],
        [flag_codes(row["flags"]) if row["flags"] else [] for row in rows],
    ]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


PARQUET = Format("parquet", "application/vnd.apache.parquet", "parquet", write)
