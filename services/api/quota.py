"""How much may be asked: token buckets in the memory of this process, one for each principal, and for signing in one for each address.

Limits are for mistakes and for scraping, so they are generous, and each replica counts alone. The headers are those of the IETF's draft
(ratelimit-headers, 2025-09): `RateLimit-Policy` says the rule, `RateLimit` what is left.
"""

import math
from dataclasses import dataclass

MOST_KNOWN = 20_000
ROUNDING = 1e-6
"""Of a request: whoever waited as long as told is answered, though seconds added up fall short of a whole by their last digit."""


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` requests in `window_s` seconds; 0: no limit."""

    name: str
    quota: int
    window_s: int = 60

    def header(self) -> str:
        """As `RateLimit-Policy`."""
        return f'"{self.name}";q={self.quota};w={self.window_s}'


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left after a request: `left` requests, `full_s` seconds until all are there again; refused: come back in `wait_s` seconds."""

    policy: Policy
    left: int
    full_s: int
    wait_s: int = 0

    def headers(self) -> dict[str, str]:
        """For every answer, refused or not."""
        return {
            "ratelimit-policy": self.policy.header(),
            "ratelimit": f'"{self.policy.name}";r={self.left};t={self.full_s}',
        }


class Quota:
    """The buckets of one policy."""

    def __init__(self, policy: Policy) -> None:
        """All full."""
        self.policy = policy
        self._known: dict[str, tuple[float, float]] = {}

    def take(self, who: str, now_s: float) -> Standing | None:
        """Count a request of `who`; None: there is no limit."""
        quota, rate = self.policy.quota, self.policy.quota / self.policy.window_s
        if not quota:
            return None
        tokens = self._tokens(who, now_s, quota, rate)
        refused = tokens < 1 - ROUNDING
        tokens = max(0.0, tokens - (not refused))
        self._known[who] = tokens, now_s
        wait_s = max(1, math.ceil((1 - tokens) / rate)) if refused else 0
        return Standing(self.policy, int(tokens), math.ceil((quota - tokens) / rate), wait_s)

    def _tokens(self, who: str, now_s: float, quota: int, rate: float) -> float:
        kept = self._known.get(who)
        if kept is None:
            self._forget(now_s)
            return float(quota)
        return min(quota, kept[0] + (now_s - kept[1]) * rate)

    def _forget(self, now_s: float) -> None:
        """Keep no more than there is room for: first go those whose bucket is full again, which loses nothing."""
        if len(self._known) < MOST_KNOWN:
            return
        since_s = now_s - self.policy.window_s
        self._known = {who: kept for who, kept in self._known.items() if kept[1] > since_s}
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
