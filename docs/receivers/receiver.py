#!/usr/bin/env python3
"""A receiver of Roadwatch webhooks in plain Python 3.9 or later: checks the signature, drops what it has had, tells what is lacking, prints the rest.

    WEBHOOK_SECRET=whsec_... python3 receiver.py 8000

With WEBHOOK_KEEP=folder it keeps every request there. To check one that you have kept: python3 receiver.py check ID TIMESTAMP SIGNATURES < body   (exit code 0: genuine)
"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 300


def genuine(secret: str, message: str, timestamp: str, signatures: str, body: bytes, now_s: float) -> bool:
    """Whether a request was made by the holder of the secret, within five minutes. `body` are the bytes as they came, not parsed and printed."""
    if not timestamp.isdigit() or abs(now_s - int(timestamp)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")
    expected = "v1," + base64.b64encode(mac).decode()
    return any([hmac.compare_digest(expected.encode(), one.encode()) for one in signatures.split()])


def keep(folder: str, given: list, body: bytes) -> None:
    """Keep a request, to be checked again: its three headers, a line each, and its body."""
    with open(os.path.join(folder, given[0] + ".headers"), "w") as file:
        file.write("\n".join(given) + "\n")
    with open(os.path.join(folder, given[0] + ".body"), "wb") as file:
        file.write(body)


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, as fast as it can; work is done afterwards."""

    had: dict = {}  # ids of the last deliveries; a real receiver keeps them with its data
    sequences: dict = {}  # the last sequence of each alert
    lacking: set = set()  # numbers below the highest that have not come: on their way still, or lost
    highest: int = 0

    def do_POST(self) -> None:
        """One delivery."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        given = [
            self.headers.get(name, "") for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        ]
        if not genuine(os.environ["WEBHOOK_SECRET"], *given, body, time.time()):
            self.send_error(401)
            return
        if "WEBHOOK_KEEP" in os.environ:
            keep(os.environ["WEBHOOK_KEEP"], given, body)
        self.send_response(204)
        self.end_headers()
        if given[0] in self.had:
            return  # a repetition: the same id, the same bytes
        self.had[given[0]] = True
        self.count(self.headers.get("webhook-number"))
        event = json.loads(body)
        data = event["data"]
        if event.get("test"):
            print("test", event["type"], data, flush=True)
            return  # invented: nobody is to be called out
        if data.get("sequence", 0) > self.sequences.get(data.get("alert"), 0):
            self.sequences[data.get("alert")] = data["sequence"]
        print(event["type"], data, flush=True)

    @classmethod
    def count(cls, number: "str | None") -> None:
        """Tell which deliveries have not come; begins with the first number it sees. Pings and tests have none."""
        if number is None:
            return
        if cls.highest:
            cls.lacking.update(range(cls.highest + 1, int(number)))
        cls.highest = max(cls.highest, int(number))
        cls.lacking.discard(int(number))
        if cls.lacking:
            print("lacking", sorted(cls.lacking), flush=True)

    def log_message(self, *_: object) -> None:
        """Quiet."""


if __name__ == "__main__":
    if sys.argv[1] == "check":
        sys.exit(
            not genuine(os.environ["WEBHOOK_SECRET"], *sys.argv[2:5], sys.stdin.buffer.read(), time.time())
        )
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
