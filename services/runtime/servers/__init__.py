"""A private PostgreSQL and a private Kafka on loopback, for the demo and for the tests: real servers without Docker."""

from services.runtime.servers.local import Addresses, LocalServers
from services.runtime.servers.process import ServerFailed

__all__ = ["Addresses", "LocalServers", "ServerFailed"]
