"""The private servers: started twice, killed, frozen out of their port, left by a killed parent; they come back with their data and leave nothing."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from services.runtime.servers import LocalServers, ServerFailed
from services.runtime.servers.kafka import KafkaServer
from services.runtime.servers.postgres import PostgresServer
from services.runtime.servers.process import Child, free_port

WAIT_S = 30.0


def quiet(_: str) -> None:
    """Progress that nobody reads."""


def gone(pid: int) -> bool:
    """Whether the process has ended within `WAIT_S`."""
    for _ in range(round(WAIT_S / 0.1)):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        sleep(0.1)
    return False


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """Servers that these tests may kill."""
    local = LocalServers(tmp_path_factory.mktemp("own"), fast=True, say=quiet)
    try:
        yield local
    finally:
        local.remove()


def test_a_second_start_finds_the_same_servers(own: LocalServers) -> None:
    first = own.start()
    pids = own.postgres.pid, own.kafka.pid
    assert own.start() == first
    assert (own.postgres.pid, own.kafka.pid) == pids


def test_another_command_uses_the_running_servers_and_does_not_stop_them(own: LocalServers) -> None:
    addresses = own.start()
    with LocalServers(own.data, fast=True, say=quiet) as other:
        assert other.start() == addresses
        assert (other.postgres.pid, other.kafka.pid) == (None, None)
    psycopg.connect(addresses.database_url).close()


@pytest.mark.parametrize("name", ["postgres", "kafka"])
def test_a_killed_server_starts_again_on_its_data_and_port(own: LocalServers, name: str) -> None:
    addresses = own.start()
    with psycopg.connect(addresses.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
        before = connection.execute("SELECT count(*) FROM kept").fetchone()
    pid = getattr(own, name).pid
    os.kill(pid, signal.SIGKILL)
    assert own.start() == addresses
    assert getattr(own, name).pid != pid
    with psycopg.connect(addresses.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == before


def test_a_port_taken_meanwhile_is_replaced(own: LocalServers) -> None:
    """The address changes, the data stays, and the stranger at the old port is not taken for ours."""
    before = own.start()
    own.stop()
    with socket.create_server(("127.0.0.1", port_of(before.database_url))):
        after = own.start()
    assert after.database_url != before.database_url
    assert after.kafka_bootstrap == before.kafka_bootstrap
    psycopg.connect(after.database_url).close()


def test_a_pid_file_that_names_a_stranger_does_not_block(own: LocalServers) -> None:
    """After a restart of the machine any process may carry the dead server's pid."""
    own.postgres.start()
    pid_file = own.postgres.cluster / "postmaster.pid"
    text = pid_file.read_text()
    os.kill(own.postgres.pid or 0, signal.SIGKILL)
    own.postgres.stop()
    stranger = subprocess.Popen(["sleep", "60"], user="postgres" if os.geteuid() == 0 else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *text.split("\n")[1:]]))
        psycopg.connect(own.postgres.start()).close()
    finally:
        stranger.kill()
        stranger.wait()


def test_stop_leaves_no_process_and_no_port(own: LocalServers) -> None:
    addresses = own.start()
    pids = [pid for pid in (own.postgres.pid, own.kafka.pid) if pid]
    assert len(pids) == 2
    own.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert not listens(port_of(addresses.database_url))
    assert not listens(port_of("kafka://" + addresses.kafka_bootstrap))


def test_servers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves the parent no time to stop anything: the kernel must; and the next start takes over at once."""
    program = (
        "import sys; from pathlib import Path; from time import sleep\n"
        "from services.runtime.servers import LocalServers\n"
        "s = LocalServers(Path(sys.argv[1]), fast=True, say=lambda _: None); s.start()\n"
        "print(s.postgres.pid, s.kafka.pid, flush=True); sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    heir = LocalServers(tmp_path, fast=True, say=quiet)
    try:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
        parent.wait()
        psycopg.connect(heir.start().database_url).close()
        assert [pid for pid in pids if not gone(pid)] == []
    finally:
        parent.kill()
        parent.communicate()
        heir.remove()


def test_a_server_that_ends_while_starting_shows_its_log(own: LocalServers) -> None:
    own.postgres.start()
    own.postgres.stop()
    main = own.postgres.cluster / "postgresql.conf"
    text = main.read_text()
    try:
        main.write_text(text + "nonsense = 1\n")
        with pytest.raises(ServerFailed, match="nonsense"):
            own.postgres.start()
    finally:
        main.write_text(text)


def test_missing_jars_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.servers.kafka.JARS", tmp_path / "nothing")
    with pytest.raises(ServerFailed, match="make install"):
        KafkaServer(tmp_path, say=quiet).start()


def test_missing_postgis_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.servers.postgres.PROGRAMS", tmp_path)
    with pytest.raises(ServerFailed, match="apt-get install"):
        PostgresServer(tmp_path, fast=True, say=quiet).start()


def test_a_cluster_whose_facts_are_lost_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "services.runtime.servers.postgres.PostgresServer._place", lambda _: tmp_path / "postgres"
    )
    (tmp_path / "postgres").mkdir()
    with pytest.raises(ServerFailed, match="move the cluster away"):
        PostgresServer(tmp_path, fast=True, say=quiet).start()
    assert (tmp_path / "postgres").is_dir()


def test_data_whose_address_file_is_lost_is_kept(own: LocalServers) -> None:
    """The broker's own files say which cluster they are."""
    own.kafka.start()
    own.kafka.stop()
    meta = (own.data / "kafka" / "log" / "meta.properties").read_text()
    (own.data / "kafka.json").unlink()
    own.kafka.start()
    assert (own.data / "kafka" / "log" / "meta.properties").read_text() == meta


def test_a_frozen_server_is_replaced(own: LocalServers) -> None:
    """A broker that is stopped hears no signal but SIGCONT and SIGKILL, and holds the lock on its data until it is gone."""
    addresses = own.start()
    frozen = own.kafka.pid or 0
    os.kill(frozen, signal.SIGSTOP)
    assert own.start() == addresses
    assert own.kafka.pid not in {None, frozen}
    assert gone(frozen)


def test_a_child_that_ignores_its_signal_is_killed(tmp_path: Path) -> None:
    child = Child("stubborn", tmp_path / "log", [(signal.SIGTERM, 0.3)])
    child.start(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    pid = child.pid
    assert pid is not None
    child.stop()
    assert gone(pid)
    assert child.pid is None


def test_a_free_port_is_the_remembered_one_until_somebody_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) != port
    assert free_port(port) == port
