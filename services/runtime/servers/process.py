"""A server as a child process that never outlives its parent, and whose failure shows the end of its log.

A server left behind holds a port and a lock on its data, so three things end it: `stop`, the end of the interpreter (`atexit`), and the
kernel's parent-death signal (`setpriv --pdeathsig`), the only one that works when the parent gets SIGKILL. The kernel ties that signal to the
*thread* that started the child, therefore children are started from the main thread only.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import sleep
from typing import TypeVar

import msgspec

from services.runtime.clock import monotonic_s

LOOPBACK = "127.0.0.1"
TAIL_BYTES = 4000
STARTS_WITHIN_S = (
    300.0  # after a crash a server first reads its log again; that it does so is shown every 10 s
)
REMIND_EVERY_S = 10.0
POLL_S = 0.05

Say = Callable[[str], None]
Facts = TypeVar("Facts", bound=msgspec.Struct)


class ServerFailed(RuntimeError):
    """A server could not be started or stopped; the message says what to do, with the end of its log where there is one."""

    def __init__(self, server: str, what: str, log: Path | None = None) -> None:
        """`what` is a sentence; the last lines of `log` are added to it."""
        self.server, self.what, self.log = server, what, log
        tail = log_tail(log) if log else ""
        super().__init__(f"{server}: {what}" + (f"\n--- {log} ---\n{tail}" if tail else ""))


class Child:
    """One child process: started with a death signal, its output in a file, stopped by ever firmer signals."""

    def __init__(self, name: str, log: Path, stop: Sequence[tuple[signal.Signals, float]]) -> None:
        """`stop` lists the signals to try and the seconds to wait after each; SIGKILL follows the last by itself."""
        self.name, self.log = name, log
        self._stop = tuple(stop)
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, user: str | None = None
    ) -> int:
        """Start `command` in a session of its own (Ctrl-C reaches the parent alone) and give its pid; a predecessor is ended first.

        Raises:
            ServerFailed: not on the main thread, or `setpriv` is not there.
        """
        if threading.current_thread() is not threading.main_thread():
            raise ServerFailed(
                self.name,
                "must be started from the main thread (the child dies with the thread that made it)",
            )
        if not (setpriv := shutil.which("setpriv")):
            raise ServerFailed(self.name, "setpriv is missing; install it: apt-get install util-linux")
        wrapped = [setpriv, "--pdeathsig", self._stop[0][0].name.removeprefix("SIG")]
        if user:
            wrapped += ["--reuid", user, "--regid", user, "--init-groups"]
        self.stop()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*wrapped, "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/" if user else None,  # another user may not be allowed to stand in ours
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        return self._process.pid

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal); None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def stop(self) -> None:
        """End it and wait for it; returns once the process is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        for sign, wait_s in (*self._stop, (signal.SIGKILL, None)):
            if process.poll() is not None:
                return
            process.send_signal(sign)
            process.send_signal(signal.SIGCONT)  # a frozen process hears nothing else
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)


def wait_until_it_answers(child: Child, answers: Callable[[], bool], say: Say) -> None:
    """Wait for a server that was just started.

    Raises:
        ServerFailed: it ended, or it does not answer in time and was stopped.
    """
    begun_s = reminded_s = monotonic_s()
    while not answers():
        if (code := child.exit_code) is not None:
            child.stop()
            raise ServerFailed(child.name, f"ended while starting (exit code {code})", child.log)
        reminded_s = _remind(child.name, "尚未就绪 not ready yet", begun_s, reminded_s, say)
        if monotonic_s() - begun_s > STARTS_WITHIN_S:
            child.stop()
            raise ServerFailed(child.name, f"did not answer within {STARTS_WITHIN_S:.0f} s", child.log)
        sleep(POLL_S)


def wait_for_predecessor(child: Child, belongs: Callable[[Path], bool], say: Say) -> None:
    """Wait until no process of an earlier server is left: one whose parent was killed may still be shutting down.

    `belongs` is asked about folders of /proc; what it raises as OSError means a process that is gone, or not ours to look at.

    Raises:
        ServerFailed: one does not go away.
    """
    child.stop()
    begun_s = reminded_s = monotonic_s()
    while pids := [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _does(belongs, folder)]:
        reminded_s = _remind(
            child.name, f"等待旧进程 an earlier one still runs {pids}", begun_s, reminded_s, say
        )
        if monotonic_s() - begun_s > STARTS_WITHIN_S:
            raise ServerFailed(
                child.name, f"an earlier server runs but does not answer; end its processes {pids}", child.log
            )
        sleep(POLL_S)


def _does(belongs: Callable[[Path], bool], folder: Path) -> bool:
    try:
        return belongs(folder)
    except OSError:
        return False


def _remind(name: str, what: str, begun_s: float, reminded_s: float, say: Say) -> float:
    """Say what is waited for, once in a while; gives when it was last said."""
    now_s = monotonic_s()
    if now_s - reminded_s < REMIND_EVERY_S:
        return reminded_s
    say(f"{name}: {what} ({now_s - begun_s:.0f} s)")
    return now_s


def say_to_stderr(line: str) -> None:
    """Progress for a person at the terminal; stdout stays free for results."""
    with contextlib.suppress(OSError, ValueError):  # a terminal that went away is no reason to stop
        print(line, file=sys.stderr, flush=True)


def log_tail(log: Path) -> str:
    """The last lines of a log file; empty if there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return file.read().decode("utf-8", "replace").strip()


def free_port(remembered: int | None = None) -> int:
    """A loopback TCP port nobody listens on: the remembered one while it is free, so that addresses survive a restart.

    Raises:
        ServerFailed: the kernel has no port left.
    """
    for port in (remembered or 0, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            # A listener that died a moment ago leaves TIME_WAIT sockets; servers bind over them, so the probe must, too.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            return int(probe.getsockname()[1])
    raise ServerFailed(
        "loopback", "no free TCP port; close programs that hold many connections and try again"
    )


def remember(file: Path, facts: msgspec.Struct) -> None:
    """Write `facts` as JSON for later commands: readable by the owner alone, and never seen half-written."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
        out.write(msgspec.json.encode(facts))
    draft.replace(file)


def recall(file: Path, kind: type[Facts]) -> Facts | None:
    """What `remember` wrote; None if there is nothing or it is unreadable (then it is made anew)."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
