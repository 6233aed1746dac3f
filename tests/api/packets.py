"""Run inside a network namespace of its own, where every address of the world is routed to the one counted interface: attempts, then counts.

Prints JSON: packets after the hostile attempts, faults, and packets after attempts that are allowed (so that a zero means something).
"""

import asyncio
import json
import ssl
import subprocess
import sys
from pathlib import Path

from services.api.webhooks.addresses import Policy, networks_of
from services.api.webhooks.sender import Sender
from services.runtime.logs import configure
from services.runtime.settings import Settings
from tests.api.hostile import URLS, WHOLE

NAMES = {
    "inside.example": ["10.0.0.1"], "mapped.example": ["::ffff:127.0.0.1"], "two.example": ["8.8.8.8", "127.0.0.1"], "meta.example": ["169.254.169.254"],
    "six.example": ["::1"], "nat64.example": ["64:ff9b::7f00:1"], "multicast.example": ["224.0.0.1"], "carrier.example": ["100.100.100.200"],
}  # fmt: skip
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def prepare(folder: Path) -> None:
    """All addresses lead to `lo`, and the hostile names have their addresses."""
    hosts = folder / "hosts"
    lines = ["127.0.0.1 localhost"] + [
        f"{address} {name}" for name, all_ in NAMES.items() for address in all_
    ]
    hosts.write_text("\n".join(lines) + "\n")
    for command in (
        ["mount", "--bind", str(hosts), "/etc/hosts"],
        ["ip", "link", "set", "lo", "up"],
        ["ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo"],
        ["ip", "-6", "route", "add", "local", "::/0", "dev", "lo"],
    ):
        subprocess.run(command, check=True)


def packets() -> int:
    """Sent by this namespace's interfaces, as the kernel counts them."""
    lines = Path("/proc/self/net/dev").read_text().splitlines()[2:]
    return sum(int(line.partition(":")[2].split()[9]) for line in lines)


async def attempts(urls: list[str], policy: Policy) -> list[str]:
    """What came of an attempt at each."""
    sender = Sender(3, TLS)
    sender.allow(policy)
    try:
        sent = [await sender.send(url, {}, b"{}") for url in urls]
        return [str(one.answer.fault) for one in sent if one is not None]
    finally:
        await sender.close()


async def main() -> None:
    """The hostile ones, then those that are allowed."""
    before = packets()
    hostile = [
        f"{scheme}://{name}:{port}/" for name in NAMES for scheme, port in (("https", 443), ("http", 9000))
    ]
    hostile += [url for url in URLS if url not in WHOLE]
    faults = await attempts(hostile, Policy(ports=frozenset(), http=True))
    faults += await attempts(list(WHOLE), Policy())
    sent = packets() - before
    allowed = {}
    for url, networks in (("http://8.8.8.8/", []), ("http://inside.example/", ["10.0.0.0/8"]), ("http://[2400:3200::1]/", []), ("http://127.0.0.1:1/", ["127.0.0.0/8"])):  # fmt: skip
        before = packets()
        await attempts([url], Policy(networks_of(networks), frozenset(), http=True))
        allowed[url] = packets() - before
    print(
        json.dumps({"attempts": len(faults), "sent": sent, "faults": sorted(set(faults)), "allowed": allowed})
    )


if __name__ == "__main__":
    configure(Settings(), "packets")  # what is logged goes to stderr: stdout is the test's alone
    prepare(Path(sys.argv[1]))
    asyncio.run(main())
