"""Opening what a user names: plain or gzipped."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

GZIP = b"\x1f\x8b"


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is gzip (told by its first bytes, not by its name).

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as plain:
        packed = plain.read(2) == GZIP
        plain.seek(0)
        if packed:
            with gzip.open(plain, "rb") as stream:
                yield cast("IO[bytes]", stream)
        else:
            yield plain
