"""What a host's name stands for at this moment, asked by the api when an endpoint is made or changed; deliveries ask again for themselves."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

LONGEST_S = 3.0
THREADS = ThreadPoolExecutor(8, thread_name_prefix="webhook-names")
"""Of their own: a name server that hangs holds up nothing but other endpoints' names."""


async def addresses(host: str) -> list[str]:
    """Every address of a name; none if it is not known, or not in time."""
    try:
        async with asyncio.timeout(LONGEST_S):
            found = await asyncio.get_running_loop().run_in_executor(
                THREADS, lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            )
    except (OSError, UnicodeError, TimeoutError):
        return []
    return sorted({str(address[0]) for *_, address in found})
