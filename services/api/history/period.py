"""The period of a look: half-open, 31 days at most; without one, the last 24 hours."""

from pydantic import Field

from services.api.history.purpose import PurposeParameters
from services.api.parameters import Time, time_ms
from services.api.problems import Fault, Problem, invalid

DAY_MS = 24 * 3600 * 1000
MOST_DAYS = 31
Period = tuple[int, int]


class PeriodParameters(PurposeParameters):
    """From and to, and the purpose, which `purpose_of` reads."""

    from_: Time | None = Field(
        default=None,
        alias="from",
        description="起(含),缺省为 to 之前 24 小时,至多 31 天 · from, inclusive; default: 24 h before to; at most 31 days",
    )
    to: Time | None = Field(default=None, description="止(不含),缺省为现在 · until, exclusive; default: now")

    def period(self, now_ms: int) -> Period:
        """From and to in Unix ms.

        Raises:
            Problem: empty (`invalid-parameter`) or longer than 31 days (`period-too-long`).
        """
        until_ms = now_ms if self.to is None else time_ms(self.to) or 0
        from_ms = until_ms - DAY_MS if self.from_ is None else time_ms(self.from_) or 0
        return checked_period(from_ms, until_ms)


def checked_period(from_ms: int, until_ms: int, *, in_body: bool = False) -> Period:
    """The period, if it is one; `in_body`: it was given there, and is called wrong there.

    Raises:
        Problem: as `PeriodParameters.period`.
    """
    if from_ms >= until_ms:
        zh, en = "from 应早于 to", "from must be before to"
        if in_body:
            raise Problem("invalid-body", faults=(Fault("#/body/from", zh, en),))
        raise invalid("from", zh, en)
    if until_ms - from_ms > MOST_DAYS * DAY_MS:
        raise Problem("period-too-long", {"days": MOST_DAYS})
    return from_ms, until_ms
