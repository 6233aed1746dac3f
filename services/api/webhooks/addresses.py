"""Where a delivery may go: an explicit table of addresses that are nobody's business of ours, and the checks of a URL before any packet is sent.

`ipaddress` alone lets NAT64, 6to4 and multicast pass as global and calls 100.64.0.0/10 neither private nor global, so the ranges stand here (IANA's
special-purpose registries). An address that carries another one inside (IPv4-mapped, NAT64, 6to4, Teredo) is refused by its own range whatever it
carries. A private network is open only if a system administrator has put it on the allow-list.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORBIDDEN: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT; clouds' metadata (100.100.100.200)
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; clouds' metadata (169.254.169.254)
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; broadcast
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # local NAT64
        "100::/64",  # discard
        "100:0:0:1::/64",  # dummy
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
        "5f00::/16",  # segment routing
        "fc00::/7",  # unique local
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local
        "ff00::/8",  # multicast
    )
)
NEVER: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "fe80::/10", "ff00::/8")
)
"""No allow-list opens these: no receiver stands there, but every cloud's keys do."""

HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z", re.ASCII
)
NUMBER_LAST = re.compile(r"(\A|\.)(0x[0-9a-f]*|[0-9]+)\Z", re.ASCII)
PLAIN = re.compile(r"[\x21-\x7e]+\Z", re.ASCII)
LONGEST_URL = 2000
SCHEMES = {"https": 443, "http": 80}


@dataclass(slots=True)
class Refused(Exception):
    """A URL or an address where nothing is sent; the reason is one of REASONS."""

    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason} {self.detail}".strip()


REASONS: dict[str, tuple[str, str]] = {
    "url": ("应为 https://主机[:端口]/路径,仅限 ASCII,不带用户名和 #", "expected https://host[:port]/path in ASCII, without user or #"),
    "scheme": ("仅接受 https", "only https is accepted"),
    "port": ("此端口不在允许之列", "this port is not among those allowed"),
    "host": ("主机名无效;地址须写成四段十进制或 [IPv6]", "not a host name; addresses must be four decimal parts or [IPv6]"),
    "address": ("此地址不对外开放;内部网段须由系统管理员加入白名单", "this address is not open to deliveries; a system administrator can allow an internal network"),
}  # fmt: skip
"""What is wrong, in both languages."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation allows: networks besides the public ones, ports (empty: any), plain http."""

    networks: tuple[Network, ...] = ()
    ports: frozenset[int] = frozenset({443, 8443})
    http: bool = False

    def allows(self, address: Address) -> bool:
        """Whether a packet may be sent there."""
        if _within(address, NEVER):
            return False
        return not _within(address, FORBIDDEN) or _within(address, self.networks)


def networks_of(texts: Iterable[str]) -> tuple[Network, ...]:
    """The allow-list as values."""
    return tuple(ip_network(text) for text in texts)


def allowable(text: str) -> Network:
    """A network that may be put on the allow-list, in its canonical form.

    Raises:
        ValueError: no network, one with host bits set, or one that can never be opened.
    """
    network = ip_network(text)
    if any(network.version == closed.version and network.overlaps(closed) for closed in NEVER):
        raise ValueError(f"{network} holds addresses that are never opened")
    return network


def literal(host: str) -> Address | None:
    """The address a host names by itself; None: it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def check_url(url: str, policy: Policy) -> SplitResult:
    """See that a URL may be delivered to, as far as it can be known without asking a name server.

    Raises:
        Refused: it may not.
    """
    if len(url) > LONGEST_URL or not PLAIN.match(url) or "\\" in url:
        raise Refused("url")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise Refused("url") from error
    if parts.scheme not in SCHEMES or (parts.scheme == "http" and not policy.http):
        raise Refused("scheme", parts.scheme)
    if not host or "@" in parts.netloc or "#" in url or "%" in parts.netloc:
        raise Refused("url")
    _check_host(parts, host, policy)
    port = SCHEMES[parts.scheme] if port is None else port
    if policy.ports and port not in policy.ports:
        raise Refused("port", str(port))
    return parts


def _check_host(parts: SplitResult, host: str, policy: Policy) -> None:
    address = literal(host)
    if address is None:
        if (
            "[" in parts.netloc
            or not HOST.match(host.removesuffix("."))
            or NUMBER_LAST.search(host.removesuffix("."))
        ):
            raise Refused(
                "host", host
            )  # 127.1, 0x7f.1 and 2130706433 are addresses to a resolver, whatever they look like
    elif not policy.allows(address):
        raise Refused("address", str(address))


def check_addresses(addresses: Collection[str], policy: Policy) -> None:
    """See that everything a name stands for may be delivered to; one forbidden address among them refuses all.

    Raises:
        Refused: it may not, or there is none.
    """
    if not addresses:
        raise Refused("address", "none")
    for text in addresses:
        address = literal(text.partition("%")[0])
        if address is None or not policy.allows(address):
            raise Refused("address", text)


INTERNAL = re.compile(
    r"(\A|\.)(localhost|local|localdomain|internal|intranet|private|corp|home|lan|home\.arpa)\Z", re.ASCII
)
"""Names that mean a machine or a network of its own to whoever resolves them (RFC 6761, 6762, 8375; ICANN's .internal)."""


def check_found(host: str, addresses: Collection[str], policy: Policy) -> None:
    """See that a host may be delivered to by what it stands for; one that stands for nothing (yet) may, unless only an inside could know it.

    Raises:
        Refused: it may not.
    """
    if addresses:
        check_addresses(addresses, policy)
        return
    name = host.lower().removesuffix(".")
    if literal(host) is None and ("." not in name or INTERNAL.search(name)):
        raise Refused("address")


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
