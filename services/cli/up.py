"""`roadwatch up`: the whole system on this machine, supervised, until Ctrl-C.

The order is fixed: servers, schema, topics, services, simulator; and back in reverse. Everything it starts is a child of this one process
and dies with it, so nothing is left behind even after SIGKILL.
"""

import argparse
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from types import FrameType
from typing import NoReturn

from services.cli.logins import read_lines
from services.runtime.servers import LocalServers, ServerFailed
from services.runtime.servers.process import LOOPBACK, Child, free_port, say_to_stderr
from services.runtime.servers.running import RunningSystem, announce, announced
from services.runtime.servers.supervisor import POLL_S, Service, Supervisor

PYTHON_SERVICES = (
    ("ingest", ("services.ingest",)),
    ("recorder", ("services.ingest", "recorder")),
    ("rules", ("services.rules",)),
    ("api", ("services.api",)),
    ("webhooks", ("services.api.webhooks",)),
)
SETUP = ("migrate", "topics", "accounts")
DEFAULT_PORT = 8080
LOGINS = "logins"
FIRST_LOGIN = "first-login"


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal: not an error, and nothing may swallow it."""


def main(arguments: Sequence[str]) -> int:
    """Run the whole system until it is stopped; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with _stoppable(), announced(options.data) as file:
            _run(
                options.data,
                file,
                options.port,
                demo=options.demo,
                simulate=options.demo and not options.no_simulator,
            )
    except Stopped:
        say_to_stderr("已停止 stopped")
        return 0
    except ServerFailed as error:
        say_to_stderr(f"失败 failed: {error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="roadwatch up",
        description="在本机启动整个系统 Run the whole system on this machine; Ctrl-C stops it.",
    )
    parser.add_argument(
        "--demo", action="store_true", help="with a Ningxia fleet that drives itself 带模拟车队"
    )
    port = int(os.environ.get("ROADWATCH_HTTP_PORT") or DEFAULT_PORT)
    parser.add_argument("--port", type=int, default=port, help="of the api [8080]; 0: any free one 接口端口")
    parser.add_argument(
        "--data", type=Path, default=Path(".local"), help="where everything is kept [.local] 数据目录"
    )
    parser.add_argument("--no-simulator", action="store_true", help="--demo without its fleet 不启动模拟车队")
    return parser


def _run(data: Path, file: Path, port: int, *, demo: bool, simulate: bool) -> NoReturn:
    """Start everything and keep it running; leaves only by an exception, with everything stopped."""
    port = _checked_port(port)
    servers = LocalServers(data)
    supervisor = Supervisor(_environment(data, port), say_to_stderr)
    url = f"http://{LOOPBACK}:{port}"
    try:
        _start_servers(servers, supervisor)
        for command in SETUP:
            _set_up(command, _arguments(command, data, demo=demo), data, supervisor.env)
        for name, module in PYTHON_SERVICES:
            supervisor.add(_service(data, name, [sys.executable, "-m", *module]))
        _announce(file, supervisor, url)
        say_to_stderr(f"服务启动中 starting {', '.join(supervisor.not_ready())}")
        supervisor.wait_ready(lambda: _watch(servers, supervisor))
        print(f"ready {url}", flush=True)
        _greet(url, data)
        _tell_logins(data, demo=demo)
        if simulate:
            for service in _fleet(data, url):
                supervisor.add(service)
            _announce(file, supervisor, url)
        while True:
            before = supervisor.restarts()
            _watch(servers, supervisor)
            if supervisor.restarts() != before:
                _announce(file, supervisor, url)
            sleep(POLL_S)
    finally:
        _deaf()  # a second Ctrl-C must not cut the stopping short
        say_to_stderr("停止中 stopping")
        supervisor.stop()
        servers.stop()


def _watch(servers: LocalServers, supervisor: Supervisor) -> None:
    """One look at everything: dead services and dead servers are started again."""
    supervisor.tick()
    if servers.died():
        say_to_stderr("服务器已退出 a server died, starting it again")
        before = dict(supervisor.env)
        _start_servers(servers, supervisor)
        if supervisor.env != before:
            supervisor.restart_all()


def _start_servers(servers: LocalServers, supervisor: Supervisor) -> None:
    """Start the private servers, unless the environment names others."""
    addresses = servers.start(
        kafka_bootstrap=os.environ.get("ROADWATCH_KAFKA_BOOTSTRAP"),
        database_url=os.environ.get("ROADWATCH_DATABASE_URL"),
    )
    supervisor.env["ROADWATCH_KAFKA_BOOTSTRAP"] = addresses.kafka_bootstrap
    supervisor.env["ROADWATCH_DATABASE_URL"] = addresses.database_url


def _arguments(command: str, data: Path, *, demo: bool) -> list[str]:
    """What a step of SETUP runs: a command of its own name, but for the accounts."""
    if command != "accounts":
        return [command]
    made = ["demo", "--logins", str(data / LOGINS)] if demo else ["first", "--out", str(data / FIRST_LOGIN)]
    return ["admin", *made]


def _set_up(command: str, arguments: list[str], data: Path, env: dict[str, str]) -> None:
    """Run a step of SETUP to its end.

    Raises:
        ServerFailed: it failed; with the end of its log.
    """
    say_to_stderr(f"{command} ...")
    child = Child(f"roadwatch {command}", data / "log" / f"{command}.log", [(signal.SIGTERM, 10)])
    child.start([*_roadwatch(), *arguments], env=env)
    try:
        while (code := child.exit_code) is None:
            sleep(POLL_S)
    finally:
        child.stop()
    if code:
        raise ServerFailed(child.name, f"exit code {code}", child.log)


def _service(data: Path, name: str, command: list[str], *, waited_for: bool = True) -> Service:
    files = data.resolve()
    return Service(
        name=name,
        command=command,
        log=files / "log" / f"{name}.log",
        status_file=files / "run" / f"{name}.json",
        waited_for=waited_for,
        once=not waited_for,
    )


def _fleet(data: Path, url: str) -> list[Service]:
    """The demo's fleet, and who was on duty before."""
    driving = [*_roadwatch(), "simulate", "--demo", "--data", str(data)]
    desk = [sys.executable, "-m", "services.cli.demo_shift", "--url", url, "--logins", str(data / LOGINS)]
    return [
        _service(data, "simulator", driving, waited_for=False),
        _service(data, "night-shift", desk, waited_for=False),
    ]


def _roadwatch() -> list[str]:
    """This same command, whichever way it was started."""
    return [sys.executable, "-m", "services.cli.main"]


def _environment(data: Path, port: int) -> dict[str, str]:
    token = os.environ.get("ROADWATCH_TOKEN") or _token(data / "token")
    anchors = os.environ.get("ROADWATCH_AUDIT_ANCHOR_FILE") or str(data.resolve() / "audit.anchors")
    return {
        "ROADWATCH_HTTP_PORT": str(port),
        "ROADWATCH_TOKEN": token,
        "ROADWATCH_AUDIT_ANCHOR_FILE": anchors,
    }


def _token(file: Path) -> str:
    """The api's bearer token: made once, readable by the owner alone."""
    if file.exists() and (kept := file.read_text().strip()):
        return kept
    token = secrets.token_urlsafe(32)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(token + "\n")
    return token


def _checked_port(port: int) -> int:
    """The port the api will listen on, free right now.

    Raises:
        ServerFailed: somebody listens there.
    """
    if port == 0:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise ServerFailed(
                "api", f"端口 port {port}: {error.strerror}; choose another: --port {port + 1}"
            ) from error
    return port


def _announce(file: Path, supervisor: Supervisor, url: str) -> None:
    given = {name: value for name, value in os.environ.items() if name.startswith("ROADWATCH_")}
    announce(
        file,
        RunningSystem(
            pid=os.getpid(), url=url, environment=given | supervisor.env, restarts=supervisor.restarts()
        ),
    )


def _greet(url: str, data: Path) -> None:
    for line in (
        f"页面 page          {url}/   接口 api {url}/docs",
        f'实时告警 alerts    curl -N -H "Authorization: Bearer $(cat {data}/token)" {url}/v1/alerts/stream',
        f"状态 status        roadwatch status --data {data}   日志 logs {data}/log/",
        "Ctrl-C 停止 stops everything",
    ):
        say_to_stderr(line)


def _tell_logins(data: Path, *, demo: bool) -> None:
    """The demo's logins each time; the first administrator's password this once."""
    if demo:
        say_to_stderr(f"演示账号 logins      登录名 login, 密码 password, 角色 role; kept in {data / LOGINS}")
        for line in read_lines(data / LOGINS):
            say_to_stderr(f"  {line}")
        return
    for line in read_lines(data / FIRST_LOGIN):
        login, _, password = line.partition(" ")
        say_to_stderr(
            f"首个账号 first login  {login}  初始密码 first password {password}  (安全管理员 security administrator; 只显示一次 shown once)"
        )
    (data / FIRST_LOGIN).unlink(missing_ok=True)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Turn the signals that ask a program to end into `Stopped`."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        _deaf()
        raise Stopped

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _deaf() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
