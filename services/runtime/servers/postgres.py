"""A private PostgreSQL cluster: initdb once, then start, found again, stopped; the same binaries as in production, only the size is local.

PostgreSQL refuses to run as root, so under root the cluster belongs to user `postgres`; where that user cannot reach the data folder (a 0700
clone) the cluster stands elsewhere and `postgres.json` in the data folder says where. Nothing here trades safety for speed, unless `fast`
asks for it (tests: fsync off).
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import msgspec
import psycopg

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

DATABASE = ROLE = "roadwatch"
UNIX_USER = "postgres"
HOME_OF_CLUSTERS = Path("/var/lib/postgresql")  # made by Debian's package, owned by its user
PROGRAMS = Path("/usr/lib/postgresql")  # Debian: one folder a major version
INSTALL = "apt-get install -y postgresql-postgis (make install does it where it is allowed to)"

SETTINGS = {
    "listen_addresses": f"'{LOOPBACK}'",
    "unix_socket_directories": "''",  # its usual folder belongs to the system's own cluster
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "max_connections": "100",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_min_duration_statement": "2000",  # ms
    "shared_preload_libraries": "''",
}
SETTINGS_FAST = {"fsync": "off", "full_page_writes": "off"}
"""Loses data with the machine, not with the process: synchronous_commit stays on, so a commit outlives SIGKILL in tests, too."""


class PostgresFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a later command needs to find the cluster (`<data>/postgres.json`)."""

    cluster: str
    port: int
    password: str

    @property
    def url(self) -> str:
        """Of the project's database."""
        return f"postgresql://{ROLE}:{self.password}@{LOOPBACK}:{self.port}/{DATABASE}"


class PostgresServer:
    """One private cluster below `data`."""

    def __init__(self, data: Path, *, fast: bool, say: Say) -> None:
        """`fast` gives up durability for speed: for tests only."""
        self._data, self._fast, self._say = data, fast, say
        self._file = data / "postgres.json"
        # SIGINT: fast shutdown, SIGQUIT: at once, recovering at the next start
        self._child = Child(
            "PostgreSQL", data / "log" / "postgres.log", [(signal.SIGINT, 30), (signal.SIGQUIT, 10)]
        )

    @property
    def pid(self) -> int | None:
        """Process id of the server, if this object started it and it runs."""
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, if this object started it and it ended by itself."""
        return self._child.exit_code

    @property
    def cluster(self) -> Path:
        """Where its data stand.

        Raises:
            ServerFailed: it was never started.
        """
        if facts := recall(self._file, PostgresFacts):
            return Path(facts.cluster)
        raise ServerFailed("PostgreSQL", f"{self._file} is not there; start it first")

    def start(self) -> str:
        """Start it unless it answers already; gives the database's URL.

        Raises:
            ServerFailed: not installed, or it does not come up; says what to do.
        """
        facts = recall(self._file, PostgresFacts)
        if facts and _answers(facts, "postgres"):
            _ensure_database(facts)
            return facts.url
        self._say("PostgreSQL: 启动中 starting")
        if facts is None or not (Path(facts.cluster) / "PG_VERSION").exists():
            facts = self._initialise()
        facts = msgspec.structs.replace(facts, port=free_port(facts.port))
        cluster = Path(facts.cluster)
        wait_for_predecessor(self._child, lambda process: _serves(process, cluster), self._say)
        # Nobody serves the cluster: its pid file, if any, is stale. PostgreSQL would ask only whether that pid is alive, and any
        # process may have got it since.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        self._configure(cluster, facts.port)
        remember(self._file, facts)
        self._child.start([str(_binaries(cluster) / "postgres"), "-D", facts.cluster], user=_unix_user())
        wait_until_it_answers(self._child, lambda: _answers(facts, "postgres"), self._say)
        _ensure_database(facts)
        self._say(f"PostgreSQL: 就绪 ready, {LOOPBACK}:{facts.port}")
        return facts.url

    def stop(self) -> None:
        """Stop it if this object started it."""
        self._child.stop()

    def remove(self) -> None:
        """Delete the cluster; for tests."""
        if facts := recall(self._file, PostgresFacts):
            cluster = Path(facts.cluster)
            shutil.rmtree(cluster, ignore_errors=True)
            with contextlib.suppress(OSError):  # only a folder made for the cluster alone is empty now
                cluster.parent.rmdir()
        self._file.unlink(missing_ok=True)

    def _initialise(self) -> PostgresFacts:
        """Make the cluster beside its place and move it there whole, so that a kill leaves nothing half-made."""
        self._say("PostgreSQL: 首次初始化 first run, initdb")
        initdb = _binaries() / "initdb"
        cluster, password = self._place(), secrets.token_urlsafe(24)
        if cluster.exists():
            raise ServerFailed(
                "PostgreSQL",
                f"{cluster} holds a cluster but {self._file} is gone; put it back, or move the cluster away",
            )
        draft = cluster.with_name(cluster.name + ".draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        with tempfile.NamedTemporaryFile("w", prefix="roadwatch-") as secret:
            secret.write(password)
            secret.flush()
            _give_to_unix_user(draft, Path(secret.name))
            options = [
                "-U",
                ROLE,
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--auth=scram-sha-256",
                f"--pwfile={secret.name}",
            ]
            _run(
                [str(initdb), "-D", str(draft), *options, *(["--no-sync"] if self._fast else [])],
                "initdb failed",
            )
        facts = PostgresFacts(cluster=str(cluster), port=free_port(), password=password)
        remember(self._file, facts)
        draft.rename(cluster)
        return facts

    def _place(self) -> Path:
        """Where the cluster stands: below the data folder if the server's user can get there."""
        wanted = self._data.resolve() / "postgres"
        if _unix_user() is None or all(parent.stat().st_mode & 0o001 for parent in wanted.parents):
            return wanted
        if self._fast or not HOME_OF_CLUSTERS.is_dir():
            folder = Path(tempfile.mkdtemp(prefix="roadwatch-"))
            folder.chmod(0o755)
            return folder / "postgres"
        place = HOME_OF_CLUSTERS / f"roadwatch-{secrets.token_hex(4)}"
        self._say(f"PostgreSQL: 数据目录不可达 user {UNIX_USER} cannot reach {wanted}; data goes to {place}")
        return place

    def _configure(self, cluster: Path, port: int) -> None:
        """Write our settings into a file of their own that the cluster's main file includes last."""
        settings = {**SETTINGS, **(SETTINGS_FAST if self._fast else {}), "port": str(port)}
        ours = cluster / "roadwatch.conf"
        ours.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
        main, include = cluster / "postgresql.conf", "include 'roadwatch.conf'\n"
        if include not in main.read_text():
            with main.open("a") as file:
                file.write(include)
        _give_to_unix_user(ours)


def _answers(facts: PostgresFacts, database: str) -> bool:
    """Whether our own cluster serves at the remembered port; the random password tells it from a stranger's."""
    try:
        psycopg.connect(
            host=LOOPBACK,
            port=facts.port,
            user=ROLE,
            password=facts.password,
            dbname=database,
            connect_timeout=5,
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _ensure_database(facts: PostgresFacts) -> None:
    if _answers(facts, DATABASE):
        return
    command = [
        str(_binaries(Path(facts.cluster)) / "createdb"),
        "-h",
        LOOPBACK,
        "-p",
        str(facts.port),
        "-U",
        ROLE,
        DATABASE,
    ]
    _run(command, "the database could not be created", {"PGPASSWORD": facts.password})


def _serves(process: Path, cluster: Path) -> bool:
    """Whether this is a process of a server of the cluster, backends included: all of them stand in its folder."""
    return (process / "comm").read_text().strip() == "postgres" and (
        process / "cwd"
    ).readlink() == cluster.resolve()


def _unix_user() -> str | None:
    """The user that must own the server: `postgres` for root, else whoever we are (None)."""
    return UNIX_USER if os.geteuid() == 0 else None


def _give_to_unix_user(*paths: Path) -> None:
    if user := _unix_user():
        for path in paths:
            shutil.chown(path, user, user)


def _binaries(cluster: Path | None = None) -> Path:
    """Folder of `initdb` and `postgres` that have PostGIS: of the cluster's own version, else the newest installed.

    Raises:
        ServerFailed: none is installed.
    """
    version = (cluster / "PG_VERSION").read_text().strip() if cluster else "*"
    found = [
        folder
        for folder in sorted(
            PROGRAMS.glob(f"{version}/bin"),
            key=lambda path: int(path.parent.name),
            reverse=True,
        )
        if (folder.parent / "lib" / "postgis-3.so").exists()
    ]
    if not found:
        raise ServerFailed(
            "PostgreSQL", f"no PostgreSQL {version} with PostGIS is installed; install it: {INSTALL}"
        )
    return found[0]


def _run(command: list[str], failure: str, env: dict[str, str] | None = None) -> None:
    """Run one of PostgreSQL's own tools as the server's user."""
    user = _unix_user()
    done = subprocess.run(
        command,
        user=user,
        group=user,
        extra_groups=[] if user else None,
        cwd="/",
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServerFailed("PostgreSQL", f"{failure}: {(done.stderr or done.stdout).strip()}")
