"""The demo's night shift: what the fleet did before the demo began is handled when somebody first looks, as it would be.

It signs in like anybody and acts by the api, so that the hand-over and the audit have something to show. What began in the last minutes, and
what still goes on, is left for whoever looks. Started by `roadwatch up --demo`; ends by itself.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import urlencode

from services.cli.logins import read_lines
from services.contracts.alert import iso
from services.runtime.clock import monotonic_s, now_ms

LOGIN = "night"
LEFT_MS = 10 * 60_000
LASTS_S, AGAIN_S = 600.0, 3.0
PAGE = 100
DEADLINE_S = 30
AWAY = (OSError, urllib.error.URLError, KeyError, ValueError)


class Desk:
    """A session of the night shift's account."""

    def __init__(self, url: str, logins: Path) -> None:
        """Nothing is asked before `sign_in`."""
        self._url, self._logins = url, logins
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(), urllib.request.ProxyHandler({})
        )

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """An answer's JSON.

        Raises:
            OSError: it was refused, or nobody answered.
        """
        data = None if body is None else json.dumps(body).encode()
        headers |= {"content-type": "application/json", "sec-fetch-site": "same-origin"}
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310 - our own address
        with self._opener.open(request, timeout=DEADLINE_S) as answer:
            return json.loads(answer.read() or b"null")

    def sign_in(self) -> None:
        """With the password that was drawn for this system."""
        passwords = {
            words[0]: words[1] for words in map(str.split, read_lines(self._logins)) if len(words) > 1
        }
        self.ask("POST", "/v1/session", {"login": LOGIN, "password": passwords[LOGIN]})

    def handle(self, until_ms: int) -> int:
        """Resolve a page of what is over and began before; gives how many."""
        query = urlencode({"handling": "open", "state": "closed", "to": iso(until_ms), "limit": PAGE})
        alerts = self.ask("GET", f"/v1/alerts?{query}")["items"]
        for alert in alerts:
            version = alert.get("handled", {}).get("version", 0)
            self.ask(
                "POST", f"/v1/alerts/{alert['id']}/resolve", outcome(alert), **{"if-match": f'"{version}"'}
            )
        return len(alerts)


def outcome(alert: dict[str, Any]) -> dict[str, str]:
    """What the night shift did about it."""
    if alert["severity"] in {"major", "critical"}:
        return {"reason": "handled", "text": "演示数据:夜班已电话提醒驾驶员和企业"}
    return {"reason": "no_action", "text": "演示数据:轻微,已记录"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Work for ten minutes, by when the past has been judged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--logins", type=Path, required=True)
    given = parser.parse_args(arguments)
    until_ms, end_s, done, signed_in = now_ms() - LEFT_MS, monotonic_s() + LASTS_S, 0, False
    desk = Desk(given.url, given.logins)
    while monotonic_s() < end_s:
        try:
            if not signed_in:
                desk.sign_in()
                signed_in = True
            while handled := desk.handle(until_ms):
                done += handled
                sys.stderr.write(f"{done} handled\n")
        except AWAY as error:
            sys.stderr.write(f"trying again: {error}\n")
            signed_in = False
        sleep(AGAIN_S)


if __name__ == "__main__":
    main()
